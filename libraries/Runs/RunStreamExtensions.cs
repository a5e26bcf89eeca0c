using Microsoft.AspNetCore.Http.HttpResults;
using Runs;

namespace Microsoft.AspNetCore.Http;

/// <summary>Results that stream runs, beside ASP.NET's own.</summary>
public static class RunStreamExtensions
{
    extension(TypedResults)
    {
        /// <summary>Streams a run (<see cref="IRuns"/>) from its first event, or after the client's last event id, to
        /// its end. A client that has the end gets 204, which stops an <c>EventSource</c>.</summary>
        /// <param name="topic">Such as <c>$"answers.{id}"</c>. If there is no such run, the answer is 404.</param>
        /// <param name="end">The type of the run's last event, if it ends by <see cref="Run.EndAsync"/>.</param>
        public static EventStreamResult RunStream(EventTopic topic, string end = Run.EndType)
        {
            ArgumentException.ThrowIfNullOrEmpty(end);
            return new(
                [topic],
                context => context.RequestServices.GetOfRuns<RunStreams>().OpenAsync(context, topic, end)
            );
        }

        /// <summary>Starts a run and streams it, in one request: its topic is the kind and a random id. A client that
        /// comes again with an id of the run goes on reading it, if it began it; one with the end gets 204.</summary>
        /// <remarks>A page of another origin gets 403.</remarks>
        /// <param name="kind">The first token of the run's topic, of your own.</param>
        /// <param name="work">As that of <see cref="IRuns.StartAsync"/>; called for requests without a last id.</param>
        /// <param name="format">How the stream shows an event; no <see cref="EventFormat.Envelope"/>.</param>
        /// <param name="end">The type of the run's last event, if it ends by <see cref="Run.EndAsync"/>.</param>
        /// <exception cref="ArgumentException">The kind is no token, or the gateway's; or the format is an
        /// envelope, or none.</exception>
        public static EventStreamResult StartedRunStream(
            string kind,
            Func<Run, CancellationToken, Task> work,
            EventFormat format = EventFormat.Named,
            string end = Run.EndType
        )
        {
            ArgumentNullException.ThrowIfNull(work);
            ArgumentException.ThrowIfNullOrEmpty(end);
            EventTopic any = $"{kind}.0";
            if (!any.IsValid)
                throw new ArgumentException(any.Refusal ?? $"'{kind}' is not one token of a topic.", nameof(kind));
            if (!Enum.IsDefined(format) || format == EventFormat.Envelope)
                throw new ArgumentOutOfRangeException(nameof(format), format, "A run has no such format.");

            return new(
                [],
                context =>
                    context.RequestServices.GetOfRuns<StartedRunStreams>().StartAsync(context, kind, work, format, end)
            )
            {
                StartsWork = true,
            };
        }
    }
}
