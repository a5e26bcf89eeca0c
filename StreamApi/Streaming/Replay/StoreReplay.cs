using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Streaming.Connections;
using StreamApi.Streaming.Fanout;

namespace StreamApi.Streaming.Replay;

/// <summary>A part of the log as the connections of one filter send it.</summary>
internal sealed record ReplayPage(string Epoch, long DroppedThrough, IReadOnlyList<LogFrame> Frames, long Through, SkippedRange? Skipped = null);

/// <summary>
/// Reads for connections that lag behind the memory. A few reads at once, in the order asked for; connections of one filter that want the
/// same range share one read and its frames.
/// </summary>
internal sealed class StoreReplay(EventReader reader, IOptions<StreamingOptions> options, StreamingMetrics metrics, IHostApplicationLifetime lifetime, ILogger<StoreReplay> logger) : IDisposable
{
    private readonly Dictionary<(StreamFilter, long, bool), List<Action<ReplayPage?>>> _asked = [];
    private readonly SemaphoreSlim _readers = new(options.Value.ReplayReaders);

    /// <summary>Calls back once, from any thread, when the page is there; null where it cannot be made. Waits while the store is away.</summary>
    /// <param name="newest">Only the newest event of each key, and what that leaves out.</param>
    public void Read(StreamFilter filter, long after, string epoch, bool newest, Action<ReplayPage?> done)
    {
        lock (_asked)
        {
            if (_asked.TryGetValue((filter, after, newest), out var waiting)) { waiting.Add(done); return; }
            _asked.Add((filter, after, newest), [done]);
        }
        _ = Task.Run(() => ReadAsync(filter, after, epoch, newest));
    }

    public void Dispose() => _readers.Dispose();

    private async Task ReadAsync(StreamFilter filter, long after, string epoch, bool newest)
    {
        var stopping = lifetime.ApplicationStopping;
        try
        {
            var (page, skipped) = await ReadAsync(filter, after, newest, stopping);
            metrics.Replayed(page.Events.Count);
            var frames = new LogFrame[page.Events.Count];
            for (var i = 0; i < frames.Length; i++) frames[i] = LogFrame.Of(page.Events[i], filter.Form.Frame(page.Epoch, page.Events[i]), filter.Form);
            Answer(new ReplayPage(page.Epoch, page.DroppedThrough, frames, page.Through, skipped));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested) { }
        catch (Exception e)
        {
            logger.LogError(e, "A replay after {Epoch}-{Position} failed", epoch, after);
            Answer(null);
        }

        void Answer(ReplayPage? page)
        {
            List<Action<ReplayPage?>> waiting;
            lock (_asked) _asked.Remove((filter, after, newest), out waiting!);
            foreach (var done in waiting) done(page);
        }
    }

    private async Task<(EventPage, SkippedRange?)> ReadAsync(StreamFilter filter, long after, bool newest, CancellationToken stopping)
    {
        await _readers.WaitAsync(stopping);
        try
        {
            for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
            {
                try
                {
                    return newest ? await reader.ReadNewestAsync(after, filter.Events, stopping) : (await reader.ReadAsync(after, filter.Events, cancellationToken: stopping), null);
                }
                catch (StoreUnavailableException) { await Task.Delay(delay + Random.Shared.Next(delay), stopping); }
            }
        }
        finally { _readers.Release(); }
    }
}
