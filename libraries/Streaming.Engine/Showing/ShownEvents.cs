using System.Net.ServerSentEvents;
using System.Text.Json;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Replay;

namespace Streaming.Showing;

/// <summary>Forms the events of one stream by a function of the application. The function runs on threads of its own,
/// in the execution context of the stream's request, under no lock, at most a page ahead of the client; its results are
/// kept for this stream alone.</summary>
internal sealed class ShownEvents(
    Func<EventRecord, SseItem<object?>?> show,
    JsonSerializerOptions json,
    ShowThreads threads,
    FailedShows failed,
    string endpoint
)
{
    /// <summary>Bytes of frames after which a page ends early: the function may make large frames of small
    /// events.</summary>
    private const int MostBytes = 1024 * 1024;

    private readonly ExecutionContext? _request = ExecutionContext.Capture();

    public static ShownEvents Of(
        Func<EventRecord, SseItem<object?>?> show,
        JsonSerializerOptions json,
        HttpContext context
    )
    {
        var services = context.RequestServices;
        var endpoint = context.GetEndpoint()?.DisplayName ?? ""; // with its method
        return new ShownEvents(
            show,
            json,
            services.GetRequiredService<ShowFunctions>().ThreadsOf(endpoint),
            services.GetRequiredService<FailedShows>(),
            endpoint
        );
    }

    /// <summary>Forms the events of a held page, releases the page, and calls <paramref name="done"/> with a new held
    /// page, from any thread. It stops without a call once the stream has ended.</summary>
    /// <param name="hasEnded">Returns true once nobody wants the page.</param>
    public void Form(ReplayPage page, PageBudget pages, Func<bool> hasEnded, Action<ReplayPage> done) =>
        threads.Add(() =>
        {
            var formed = hasEnded() ? null : FormedForRequest(page, hasEnded);
            if (formed is not null)
                pages.Take(formed);

            pages.Release(page);
            if (formed is not null)
                done(formed);
        });

    private ReplayPage? FormedForRequest(ReplayPage page, Func<bool> hasEnded)
    {
        if (_request is null)
            return Formed(page, hasEnded);

        ReplayPage? formed = null;
        ExecutionContext.Run(_request, _ => formed = Formed(page, hasEnded), null);
        return formed;
    }

    private ReplayPage? Formed(ReplayPage page, Func<bool> hasEnded)
    {
        var frames = new List<LogFrame>(page.Frames.Count);
        var bytes = 0L;
        foreach (var frame in page.Frames)
        {
            if (bytes >= MostBytes)
                break;

            frames.Add(frame with { Bytes = FrameOf(frame), Record = null });
            bytes += frames[^1].Bytes.Length;
            if (hasEnded())
                return null;
        }

        var through = frames.Count == page.Frames.Count ? page.Through : frames[^1].Position;
        return page with { Frames = frames, Through = through, Holders = 0 };
    }

    /// <summary>Returns the frame, or only the event's position if the function leaves it out or fails.</summary>
    private byte[] FrameOf(LogFrame frame)
    {
        var id = new StreamPosition(frame.Epoch, frame.Position);
        try
        {
            if (show(frame.Record!) is { } item)
                return ItemFrames.ToBytes(id.ToString(), item, json);
        }
        catch (Exception e)
        {
            Report(frame.Record!, e);
        }

        return ControlFrames.Position(id);
    }

    /// <summary>Reports a failure. The application's own loggers and meter listeners may throw, and an exception that
    /// nobody catches on this thread ends the process.</summary>
    private void Report(EventRecord record, Exception error)
    {
        try
        {
            failed.Report(endpoint, record, error);
        }
        catch (Exception) { }
    }
}
