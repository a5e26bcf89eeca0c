using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>A part of the log as the connections of one filter send it.</summary>
/// <param name="Epoch">The history that it is of.</param>
/// <param name="DroppedThrough">Retention has dropped what lies up to here.</param>
/// <param name="Frames">The events.</param>
/// <param name="Through">Every match up to here is among them, or skipped.</param>
/// <param name="Skipped">Events that are left out because newer ones of their keys follow; null: none, or they have
/// been told.</param>
/// <param name="SkippedThrough">Newer ones were looked for up to here, which may be after the page.</param>
internal sealed record ReplayPage(
    string Epoch,
    long DroppedThrough,
    IReadOnlyList<LogFrame> Frames,
    long Through,
    SkippedRange? Skipped = null,
    long SkippedThrough = 0
)
{
    /// <summary>Connections that it is written to; for <see cref="PageBudget"/>.</summary>
    public int Holders;
}

/// <summary>One connection's wait for a page.</summary>
/// <param name="Range">Events of a filter after a position; shared by all that want the same.</param>
/// <param name="Done">Called once, from any thread, with the page, which is held for the waiter (<see
/// cref="PageBudget"/>); with null where it cannot be had.</param>
internal sealed record ReplayWaiter(ReplayRange Range, Action<ReplayWaiter, ReplayPage?> Done);

/// <param name="Newest">Only the newest event of each key, and what that leaves out.</param>
/// <param name="Most">Most events; null: as many as a page has.</param>
/// <param name="MostBytes">Most bytes of data, unless the first event has more; null: as many as a page has.</param>
/// <param name="Through">The newest up to here, of which the reader knows already what they leave out; null: up to the
/// head.</param>
internal readonly record struct ReplayRange(
    StreamFilter Filter,
    long After,
    bool Newest,
    int? Most,
    int? MostBytes,
    long? Through
);

/// <summary>
/// Reads for connections that lag behind their filter's ring: from the recent events in memory, else from the store. A
/// few reads at once,
/// in the order asked for; connections of one filter that want the same range share one read and its frames, those that
/// come a moment later too: thousands that return after a break come over seconds, and what
/// a page lacks by then its reader finds in memory, or by its next page. A read that nobody waits for any more is
/// cancelled, in Postgres too.
/// </summary>
internal sealed class StoreReplay(
    FilterLogs logs,
    [FromKeyedServices(StorePool.Replays)] EventReader reader,
    IOptions<StreamingOptions> options,
    StreamingMetrics metrics,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<StoreReplay> logger
) : IDisposable
{
    /// <summary>Bytes of a page from memory, whose frames are shared with all others that read them.</summary>
    private const int RecentPageBytes = 1024 * 1024;

    private readonly Dictionary<ReplayRange, Reading> _readings = [];
    private readonly Dictionary<ReplayRange, (ReplayPage Page, long Bytes, long At)> _kept = [];
    private readonly Queue<ReplayRange> _oldest = [];
    private readonly SemaphoreSlim _readers = new(options.Value.ReplayReaders);
    private readonly TimeSpan _shared = TimeSpan.FromSeconds(options.Value.ReplaySharedSeconds);
    private long _keptBytes;

    /// <summary>What connections hold of what was read for them.</summary>
    public PageBudget Pages { get; } = new(options.Value.ReplayBytes, clock);

    /// <summary>Calls the waiter back when the page is there, tried a few times while the store is away. Give it up
    /// with <see cref="Cancel"/>.</summary>
    /// <param name="waiter">Who waits, and for what.</param>
    /// <param name="epoch">The history that the position belongs to.</param>
    public void Read(ReplayWaiter waiter, string epoch)
    {
        ReplayPage? kept = null;
        Reading? begun = null;
        lock (_readings)
        {
            Forget();
            if (_kept.TryGetValue(waiter.Range, out var read) && read.Page.Epoch == epoch)
                Pages.Hold(kept = read.Page);
            else if (_readings.TryGetValue(waiter.Range, out var reading))
                reading.Waiting.Add(waiter);
            else
                _readings.Add(waiter.Range, begun = new Reading(waiter));
        }
        if (kept is not null)
            waiter.Done(waiter, kept);
        else if (begun is not null)
            _ = Task.Run(() => ReadAsync(waiter.Range, epoch, begun));
    }

    /// <summary>The waiter's reader has left. Where nobody else waits for the range, its read ends.</summary>
    public void Cancel(ReplayWaiter waiter)
    {
        Reading? abandoned = null;
        lock (_readings)
        {
            if (
                !_readings.TryGetValue(waiter.Range, out var reading)
                || !reading.Waiting.Remove(waiter)
                || reading.Waiting.Count > 0
            )
                return;
            _readings.Remove(waiter.Range);
            abandoned = reading;
        }
        // On another thread: the callbacks of a cancellation run where it is asked for, and a writer loop has others to
        // serve.
        _ = abandoned.Stop.CancelAsync();
    }

    /// <summary>Forgets what nobody shares any more.</summary>
    public void Sweep()
    {
        lock (_readings)
            Forget();
    }

    public void Dispose() => _readers.Dispose();

    private async Task ReadAsync(ReplayRange range, string epoch, Reading reading)
    {
        ReplayPage? answer = null;
        await using var stopping = lifetime.ApplicationStopping.UnsafeRegister(
            static stop => ((CancellationTokenSource)stop!).Cancel(),
            reading.Stop
        );
        var fromStore = false;
        try
        {
            answer = ReadRecent(range, epoch);
            fromStore = answer is null;
            if (answer is not null)
                Pages.Hold(answer);
            answer ??= await ReadStoreAsync(range, reading.Stop.Token);
        }
        catch (Exception) when (reading.Stop.IsCancellationRequested)
        {
            return;
        } // the server stops, or nobody waits
        catch (StoreUnavailableException e)
        {
            logger.LogWarning(
                "A replay after {Epoch}-{Position} was given up: the store failed {Tries} times ({Reason}). Its readers were told to come back",
                epoch,
                range.After,
                options.Value.ReplayTries,
                e.InnerException?.Message ?? e.Message
            );
        }
        catch (Exception e)
        {
            logger.LogError(e, "A replay after {Epoch}-{Position} failed", epoch, range.After);
        }
        List<ReplayWaiter> waiting;
        lock (_readings)
        {
            waiting = reading.Waiting;
            // Given up meanwhile: another read of the same range may have begun since.
            if (waiting.Count > 0)
                _readings.Remove(range);
            // The newest of a moment ago is not the newest.
            if (answer is not null && fromStore && !range.Newest && waiting.Count > 0)
                Keep(range, answer);
        }
        foreach (var waiter in waiting)
        {
            if (answer is not null)
                Pages.Hold(answer);
            waiter.Done(waiter, answer);
        }
        if (answer is not null)
            Pages.GiveBack(answer);
    }

    private ReplayPage? ReadRecent(ReplayRange range, string epoch)
    {
        // Only a few of them are kept where the newest are asked for.
        var page = logs.ReadRecent(range.Filter, range.After, epoch, range.Newest ? int.MaxValue : RecentPageBytes);
        if (page is null || !range.Newest)
            return page;
        if (range.Through is { } through)
        {
            var known = page.Frames.TakeWhile(f => f.Position <= through);
            var (rest, _) = SlowReaders.NewestOfEachKey([.. known]);
            return page with { Frames = rest, Through = Math.Min(page.Through, through) };
        }
        var (kept, skipped) = SlowReaders.NewestOfEachKey(page.Frames);
        return page with { Frames = kept, Skipped = skipped, SkippedThrough = page.Through };
    }

    /// <summary>Reads a page that is held from its first moment: none is read while those held are too many, by however
    /// many readers.</summary>
    private async Task<ReplayPage> ReadPageAsync(ReplayRange range, CancellationToken stop)
    {
        await Pages.WaitForRoomAsync(stop);
        var events = range.Filter.Events;
        var read = range.Newest
            ? await reader.ReadNewestAsync(range.After, events, range.MostBytes, range.Through, stop)
            : new NewestPage(
                await reader.ReadAsync(
                    range.After,
                    events,
                    range.Most,
                    mostBytes: range.MostBytes,
                    cancellationToken: stop
                ),
                null,
                0
            );
        var found = read.Page;
        metrics.Replayed(found.Events.Count);
        var (frames, format) = (new LogFrame[found.Events.Count], range.Filter.Format);
        for (var i = 0; i < frames.Length; i++)
            frames[i] = LogFrame.Of(found.Events[i], format.Frame(found.Epoch, found.Events[i]), format);
        var page = new ReplayPage(found.Epoch, found.DroppedThrough, frames, found.Through);
        if (range.Through is null)
            page = page with { Skipped = read.Skipped, SkippedThrough = read.Through };
        Pages.Hold(page);
        return page;
    }

    private void Keep(ReplayRange range, ReplayPage page)
    {
        // A page without events may be so because the reader is ahead of this replica: it asks again until it is not.
        if (page.Frames.Count == 0 || _kept.ContainsKey(range))
            return;
        long bytes = 0;
        foreach (var frame in page.Frames)
            bytes += frame.Bytes.Length;
        _kept.Add(range, (page, bytes, clock.GetTimestamp()));
        _oldest.Enqueue(range);
        _keptBytes += bytes;
        Forget();
    }

    private void Forget()
    {
        while (
            _oldest.TryPeek(out var range)
            && _kept[range] is var (_, bytes, at)
            && (_keptBytes > options.Value.RecentBytes || clock.GetElapsedTime(at) >= _shared)
        )
        {
            _oldest.Dequeue();
            _kept.Remove(range);
            _keptBytes -= bytes;
        }
    }

    private async Task<ReplayPage> ReadStoreAsync(ReplayRange range, CancellationToken stop)
    {
        for (var (tried, delay) = (1, 100); ; tried++, delay = Math.Min(delay * 2, 2_000))
        {
            await _readers.WaitAsync(stop);
            try
            {
                return await ReadPageAsync(range, stop);
            }
            catch (StoreUnavailableException e)
                when (tried < options.Value.ReplayTries && !stop.IsCancellationRequested)
            {
                logger.LogWarning(
                    "A replay after {Position} waits for the store: {Reason}",
                    range.After,
                    e.InnerException?.Message ?? e.Message
                );
            }
            finally
            {
                _readers.Release();
            }
            // Others have their turn meanwhile: a read that never succeeds must not keep those that would.
            await Task.Delay(delay + Random.Shared.Next(delay), stop);
        }
    }

    /// <summary>A read that is under way, and who waits for it.</summary>
    private sealed class Reading(ReplayWaiter first)
    {
        public List<ReplayWaiter> Waiting { get; } = [first];

        /// <summary>Not disposed, because it may be cancelled after its end; without a timer or a link it holds
        /// nothing.</summary>
        public CancellationTokenSource Stop { get; } = new();
    }
}
