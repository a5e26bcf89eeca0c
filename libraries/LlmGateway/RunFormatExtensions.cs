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

        /// <summary>Reads the request of a client, starts the run that answers it, and streams that run. Refuses a
        /// request in the protocol's own error, before any work.</summary>
        /// <param name="format">The protocol, such as <c>RunFormat.Responses</c>, made of the request's body.</param>
        /// <param name="startAsync">Starts the run, unless it was begun before, and returns its topic. A
        /// <see cref="BadHttpRequestException"/> refuses the request with that exception's status and message.</param>
        /// <remarks>A request with a type of content that cannot be read, such as audio, gets 400. A page of another
        /// origin cannot start a run, unless the application trusts that origin.</remarks>
        /// <exception cref="ArgumentException">The format has no requests, as <see cref="RunFormat.Own"/>.</exception>
        public static EventStreamResult RunStream(
            Func<JsonElement, RunFormat> format,
            Func<RunRequest, Task<EventTopic>> startAsync
        )
        {
            ArgumentNullException.ThrowIfNull(format);
            ArgumentNullException.ThrowIfNull(startAsync);
            // A body that cannot be read gets an error of the format too.
            var ofNoBody = format(JsonElement.Parse("{}"));
            if (!ofNoBody.HasRequests)
                throw new ArgumentException("The format takes no body, so no request can be read.", nameof(format));

            return new(
                [],
                async context =>
                {
                    if (await ofNoBody.StartAsync(context, startAsync) is var (body, topic))
                        await RunStream(topic, format(body)).ExecuteAsync(context);
                }
            )
            {
                StartsWork = true,
            };
        }
    }
}
