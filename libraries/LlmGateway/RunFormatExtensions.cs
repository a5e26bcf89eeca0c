using LlmGateway;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream runs to the clients of other protocols.</summary>
public static class RunFormatExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams a run (<see cref="IRuns"/>) to its end as its clients' protocol has it, from its beginning
        /// or from where the client is, in whichever process it works.</summary>
        /// <param name="topic">Such as <c>$"answers.{id}"</c>.</param>
        /// <param name="format">The protocol, which says what is answered if there is no such run.</param>
        /// <remarks>It needs <c>AddSseRuns()</c>, and of the gateway nothing. The run ends with <c>end</c> or
        /// <c>error</c>, as it does by itself, and not by <see cref="Run.EndAsync"/>. A process that stops breaks the
        /// body, and the client returns.</remarks>
        public static EventStreamResult RunStream(EventTopic topic, RunFormat format)
        {
            ArgumentNullException.ThrowIfNull(format);
            GatewayJson.AddToRuns();
            return new([topic], context => format.OpenAsync(context, topic));
        }
    }
}
