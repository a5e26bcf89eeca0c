using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Streaming.Connections;
using StreamApi.Streaming.Fanout;

namespace StreamApi.Streaming.Replay;

/// <summary>A part of the log as the connections of one filter send it.</summary>
internal sealed record ReplayPage(string Epoch, long DroppedThrough, IReadOnlyList<LogFrame> Frames, long Through, SkippedRange? Skipped = null);

/// <summary>
/// Reads for connections that lag behind the memory. A few reads at once, in the order asked for; connections of one filter that want the
/// same range share one read and its frames, those that come a moment later too: thousands that return after a break come over seconds, and what
/// a page lacks by then its reader finds in memory, or by its next page.
/// </summary>
internal sealed class StoreReplay(
    [FromKeyedServices(StorePool.Replays)] EventReader reader, IOptions<StreamingOptions> options, StreamingMetrics metrics, TimeProvider clock, IHostApplicationLifetime lifetime, ILogger<StoreReplay> logger) : IDisposable
{
    private readonly Dictionary<(StreamFilter, long, bool), List<Action<ReplayPage?>>> _asked = [];
    private readonly Dictionary<(StreamFilter, long), (ReplayPage Page, long Bytes, long At)> _kept = [];
    private readonly Queue<(StreamFilter, long)> _oldest = [];
    private readonly SemaphoreSlim _readers = new(options.Value.ReplayReaders);
    private readonly TimeSpan _shared = TimeSpan.FromSeconds(options.Value.ReplaySharedSeconds);
    private long _keptBytes;

    /// <summary>Calls back once, from any thread, when the page is there; null where it cannot be made. Waits while the store is away.</summary>
    /// <param name="newest">Only the newest event of each key, and what that leaves out.</param>
    public void Read(StreamFilter filter, long after, string epoch, bool newest, Action<ReplayPage?> done)
    {
        ReplayPage? kept = null;
        lock (_asked)
        {
            Forget();
            if (!newest && _kept.TryGetValue((filter, after), out var read) && read.Page.Epoch == epoch) kept = read.Page;
            else if (_asked.TryGetValue((filter, after, newest), out var waiting)) { waiting.Add(done); return; }
            else _asked.Add((filter, after, newest), [done]);
        }
        if (kept is not null) done(kept);
        else _ = Task.Run(() => ReadAsync(filter, after, epoch, newest));
    }

    /// <summary>Forgets what nobody shares any more.</summary>
    public void Sweep() { lock (_asked) Forget(); }

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
            lock (_asked)
            {
                _asked.Remove((filter, after, newest), out waiting!);
                // The newest of a moment ago is not the newest.
                if (page is not null && !newest) Keep((filter, after), page);
            }
            foreach (var done in waiting) done(page);
        }
    }

    private void Keep((StreamFilter, long) range, ReplayPage page)
    {
        // A page without events may be so because the reader is ahead of this replica: it asks again until it is not.
        if (page.Frames.Count == 0 || _kept.ContainsKey(range)) return;
        long bytes = 0;
        foreach (var frame in page.Frames) bytes += frame.Bytes.Length;
        _kept.Add(range, (page, bytes, clock.GetTimestamp()));
        _oldest.Enqueue(range);
        _keptBytes += bytes;
        Forget();
    }

    private void Forget()
    {
        while (_oldest.TryPeek(out var range) && _kept[range] is var (_, bytes, at) && (_keptBytes > options.Value.RecentBytes || clock.GetElapsedTime(at) >= _shared))
        {
            _oldest.Dequeue();
            _kept.Remove(range);
            _keptBytes -= bytes;
        }
    }

    private async Task<(EventPage, SkippedRange?)> ReadAsync(StreamFilter filter, long after, bool newest, CancellationToken stopping)
    {
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            await _readers.WaitAsync(stopping);
            try
            {
                return newest ? await reader.ReadNewestAsync(after, filter.Events, stopping) : (await reader.ReadAsync(after, filter.Events, cancellationToken: stopping), null);
            }
            catch (StoreUnavailableException e) { logger.LogWarning("A replay after {Position} waits for the store: {Reason}", after, e.InnerException?.Message ?? e.Message); }
            finally { _readers.Release(); }
            // Others have their turn meanwhile: a read that never succeeds must not keep those that would.
            await Task.Delay(delay + Random.Shared.Next(delay), stopping);
        }
    }
}
