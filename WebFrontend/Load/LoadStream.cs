using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace WebFrontend.Load;

/// <summary>
/// <c>GET /load/stream</c>: the current or last run, from its start or after the last id, and then every later run. The
/// first frame is sent at once, so that the page knows that it is connected.
/// </summary>
internal sealed class LoadStream(LoadRuns runs, TimeProvider clock)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public async IAsyncEnumerable<SseItem<string>> ReadAsync(
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
            && int.TryParse(number, out var last)
                ? last
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
            while (await Task.WhenAny(more, Task.Delay(Heartbeat, clock, cancellationToken)) != more)
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
