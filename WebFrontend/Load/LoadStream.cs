using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace WebFrontend.Load;

/// <summary>
/// <c>GET /load/stream</c>: the run that goes on or was the last, from its start or after the last id, and every run
/// after it. The first
/// frame comes at once, so that the reader knows that it is heard.
/// </summary>
internal static class LoadStream
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(15);

    public static async IAsyncEnumerable<SseItem<string>> ReadAsync(
        LoadRuns runs,
        string? lastId,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        yield return new SseItem<string>("{}", "connected") { ReconnectionInterval = TimeSpan.FromSeconds(1) };
        var run = runs.Current;
        // <run>:<number>, as below.
        var after =
            run is not null
            && lastId?.Split(':') is [var id, var number]
            && id == run.Id
            && int.TryParse(number, out var seen)
                ? seen
                : -1;
        while (true)
        {
            var (events, more) = run?.After(after) ?? ([], null);
            foreach (var e in events)
            {
                yield return new SseItem<string>(e.Data, e.Type) { EventId = $"{run!.Id}:{e.Number}" };
                after = e.Number;
            }
            more ??= runs.NextAsync(run);
            while (await Task.WhenAny(more, Task.Delay(Idle, cancellationToken)) != more)
            {
                if (cancellationToken.IsCancellationRequested)
                    yield break;
                yield return new SseItem<string>("", "idle");
            }
            if (runs.Current != run)
                (run, after) = (runs.Current, -1);
        }
    }
}
