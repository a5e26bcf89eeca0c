using Microsoft.AspNetCore.Http.HttpResults;
using Runs;

namespace Microsoft.AspNetCore.Http;

/// <summary>Adds results that stream runs to ASP.NET's own results.</summary>
/// <remarks>Needed in endpoints that stream a run, or that start a run and stream it.</remarks>
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

        /// <summary>Starts a run, whose topic is the kind and a random id, and streams it in the same request. The
        /// client that began the run resumes it with an id of its stream; a client that has the end gets 204.</summary>
        /// <remarks>A page of another origin gets 403.</remarks>
        /// <param name="kind">The first token of the run's topic. The gateway's kinds are reserved.</param>
        /// <param name="work">Appends the events of the run, as for <see cref="IRuns.StartAsync"/>. Called only for
        /// requests without a last id.</param>
        /// <param name="format">Format of the stream's events, other than <see cref="EventFormat.Envelope"/>.</param>
        /// <param name="end">The type of the run's last event, if it ends by <see cref="Run.EndAsync"/>.</param>
        /// <exception cref="ArgumentException">The kind is not one token, or is reserved for the gateway; or the format
        /// is the envelope, or undefined.</exception>
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

            return new([], context => StartAsync(context, kind, work, RunView.Of(format, end))) { StartsWork = true };
        }
    }

    /// <summary>Streams the run that a request starts, with its caller as owner.</summary>
    private static Task StartAsync(
        HttpContext context,
        string kind,
        Func<Run, CancellationToken, Task> work,
        RunView view
    )
    {
        var services = context.RequestServices;
        var runs = services.GetOfRuns<RunStarter>();
        var access = services.GetRequiredService<IStreamAccess>();
        return services
            .GetRequiredService<RunStreams>()
            .OpenAsync(context, kind, view.Frames, view.EndTypes, BeginAsync);

        Task<BegunRun> BeginAsync()
        {
            var announcement = RunJson.Write(new RunAnnouncement(access.OwnerOf(context)));
            var start = new RunStart(RunName.New(kind), access.ClientOf(context), announcement);
            return runs.StartAsync(start, run => work(run, run.Stopping), context.RequestAborted);
        }
    }
}
