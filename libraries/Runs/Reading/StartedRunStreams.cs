namespace Runs;

/// <summary>Streams of runs that their requests start.</summary>
internal sealed class StartedRunStreams(RunStarter starter, RunStreams streams, IStreamAccess access)
{
    /// <summary>Streams the run that a request starts, with its caller as owner.</summary>
    public Task StartAsync(
        HttpContext context,
        string kind,
        Func<Run, CancellationToken, Task> work,
        EventFormat format,
        string end
    )
    {
        var (frames, ends) = RunView.Of(format, end);
        return streams.OpenAsync(
            context,
            kind,
            frames,
            ends,
            () =>
                starter.StartAsync(
                    kind,
                    access.ClientOf(context),
                    new RunAnnouncement(Owner: access.OwnerOf(context)),
                    run => RunStarter.CompleteAsync(run, work),
                    cancellationToken: context.RequestAborted
                )
        );
    }
}
