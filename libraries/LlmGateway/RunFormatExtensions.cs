using LlmGateway;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Microsoft.AspNetCore.Http;

/// <summary>Adds results that stream runs to the clients of other protocols.</summary>
/// <remarks>Needed in endpoints that stream a run in a <see cref="RunFormat"/>.</remarks>
public static class RunFormatExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams a run (<see cref="IRuns"/>) to its end in the protocol of its clients, from the run's
        /// beginning or the client's position, whichever process does the work.</summary>
        /// <param name="topic">Such as <c>$"answers.{id}"</c>.</param>
        /// <param name="format">The protocol, which also decides the answer if there is no such run.</param>
        /// <remarks>It requires <c>AddSseRuns()</c>, but not the gateway. The run must end by itself, with <c>end</c>
        /// or <c>error</c>, and not by <see cref="Run.EndAsync"/>. A process that stops breaks the body, and the client
        /// reconnects.</remarks>
        public static EventStreamResult RunStream(EventTopic topic, RunFormat format)
        {
            ArgumentNullException.ThrowIfNull(format);
            GatewayJson.AddToRuns();
            return new([topic], context => format.OpenAsync(context, topic));
        }
    }
}
