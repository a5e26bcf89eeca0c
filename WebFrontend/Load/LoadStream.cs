using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace WebFrontend.Load;

/// <summary>
/// <c>GET /load/stream</c>: the current or last run, from its start or after the last id, and then every later run. The
/// first frame is sent at once and names the run, so that a page notices a run that ended with an earlier process.
/// </summary>
internal sealed class LoadStream(LoadRunner runs, TimeProvider clock)
{
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    public async IAsyncEnumerable<SseItem<string>> ReadAsync(
        string? lastId,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var run = runs.Current;
        var connected = JsonSerializer.Serialize(new { run = run?.Id });
        yield return new SseItem<string>(connected, "connected") { ReconnectionInterval = TimeSpan.FromSeconds(1) };

        // <run>:<number>, as below.
        var after =
            run is not null
            && lastId?.Split(':') is [var id, var number]
            && id == run.Id
            && int.TryParse(number, out var last)
                ? last
                : -1;
        var hasCaughtUp = false;
        while (true)
        {
            var (events, more) = run?.After(after) ?? ([], null);
            foreach (var change in events)
            {
                yield return new SseItem<string>(change.Data, change.Type) { EventId = $"{run!.Id}:{change.Number}" };
                after = change.Number;
            }

            more ??= runs.NextAsync(run);
            // The first time at once: the page shows what is known when all of it has arrived. Then as heartbeat.
            while (!hasCaughtUp || await Task.WhenAny(more, Task.Delay(Heartbeat, clock, cancellationToken)) != more)
            {
                if (cancellationToken.IsCancellationRequested)
                    yield break;
                hasCaughtUp = true;
                yield return new SseItem<string>("", "idle");
            }

            if (runs.Current != run)
            {
                run = runs.Current;
                after = -1;
            }
        }
    }
}
