using System.Collections.Concurrent;
using Streaming.Frames;

namespace Runs;

/// <summary>Streams of runs that their requests start.</summary>
internal sealed class StartedRunStreams(RunStarter starter, RunStreams streams, IStreamAccess access)
{
    /// <summary>The formats of started runs, one for each that the application's code names: ids with a secret belong
    /// to an instance.</summary>
    private static readonly ConcurrentDictionary<
        (EventFormat Format, string End),
        (FrameFormat Frames, string[] Ends)
    > Started = [];

    /// <summary>Streams the run that a request starts, with its caller as owner.</summary>
    public Task StartAsync(
        HttpContext context,
        string kind,
        Func<Run, CancellationToken, Task> work,
        EventFormat format,
        string end
    )
    {
        var (frames, ends) = Started.GetOrAdd((format, end), FormOf);
        return streams.OpenAsync(
            context,
            kind,
            frames,
            ends,
            () =>
                starter.StartAsync(
                    kind,
                    access.ClientOf(context),
                    access.OwnerOf(context),
                    work,
                    context.RequestAborted
                )
        );
    }

    private static (FrameFormat, string[]) FormOf((EventFormat Format, string End) form)
    {
        string[] ends = [form.End, "error"];
        var choice = NamedFormatChoice.Of(_ => form.Format == EventFormat.Named, ends, sendsPositions: false);
        return (choice.For(form.Format == EventFormat.TypedMessages ? false : null), ends);
    }
}
