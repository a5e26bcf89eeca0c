using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>
/// Reads pages for connections that lag behind their ring: from the recent events in memory, otherwise from the store,
/// with a bounded number of reads, in rotation over the clients. Connections that ask for the same range, at once or a
/// moment later, share one read; a read without waiters is cancelled in Postgres too.
/// </summary>
internal sealed class StoreReplay(
    FilterLogs logs,
    [FromKeyedServices(StorePool.Replays)] EventReader reader,
    IOptions<StreamingOptions> options,
    StreamingMetrics metrics,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<StoreReplay> logger
)
{
    /// <summary>Bytes of a page from memory. Its frames are shared with other readers.</summary>
    private const int RecentPageBytes = 1024 * 1024;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200),
        MaxRetry = TimeSpan.FromSeconds(4);

    private readonly Dictionary<ReplayRange, Reading> _readings = [];
    private readonly Dictionary<ReplayRange, (ReplayPage Page, long Bytes, long At)> _kept = [];
    private readonly Queue<ReplayRange> _oldest = [];
    private readonly ReplayTurns _turns = new(
        options.Value.ReplayReaders,
        options.Value.ReplaySearchPercent ?? 0,
        clock
    );
    private readonly TimeSpan _shared = TimeSpan.FromSeconds(options.Value.ReplaySharedSeconds);
    private long _keptBytes;

    /// <summary>Budget of the pages that connections hold.</summary>
    public PageBudget Pages { get; } = new(options.Value.ReplayBytes, clock);

    /// <summary>
    /// Calls the waiter back with the page, after several attempts if the store is down. <see cref="Cancel"/> withdraws
    /// the request.
    /// </summary>
    /// <param name="waiter">The waiting connection and its range.</param>
    /// <param name="epoch">The epoch of the position.</param>
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
            {
                reading.Waiting.Add(waiter);
                if (reading.Turn is { } turn)
                    Ask(turn, waiter);
            }
            else
                _readings.Add(waiter.Range, begun = new Reading(waiter));
        }
        if (kept is not null)
            waiter.Done(waiter, kept);
        else if (begun is not null)
            _ = Task.Run(() => ReadAsync(waiter.Range, epoch, begun));
    }

    /// <summary>Removes a waiter whose client has left. The read ends if it was the last.</summary>
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
        // Cancellation callbacks run on the calling thread, and a writer loop must go on serving others.
        _ = abandoned.Stop.CancelAsync();
    }

    /// <summary>Drops pages whose sharing time is over.</summary>
    public void Sweep()
    {
        lock (_readings)
            Forget();
    }

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
            answer ??= await ReadStoreAsync(range, reading);
        }
        catch (Exception) when (reading.Stop.IsCancellationRequested)
        {
            return;
        } // the server stops, or no waiter is left
        catch (StoreUnavailableException e)
        {
            logger.LogWarning(
                "Replay after {Epoch}-{Position} failed {Tries} times ({Reason}); its clients reconnect later",
                epoch,
                range.After,
                options.Value.ReplayTries,
                e.InnerException?.Message ?? e.Message
            );
        }
        catch (Exception e)
        {
            logger.LogError(e, "Replay after {Epoch}-{Position} failed", epoch, range.After);
        }
        List<ReplayWaiter> waiting;
        lock (_readings)
        {
            waiting = reading.Waiting;
            // If all waiters have left, another read of the same range may have begun.
            if (waiting.Count > 0)
                _readings.Remove(range);
            // A page of newest events is out of date a moment later.
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
        // A page of newest events keeps few of the frames, so its size is not limited here.
        var page = logs.ReadRecent(range.Filter, range.After, epoch, range.Newest ? int.MaxValue : RecentPageBytes);
        if (page is null || !range.Newest)
            return page;
        if (range.Through is { } through)
        {
            var known = page.Frames.TakeWhile(f => f.Position <= through);
            var (rest, _) = NewestOfEachKey.Of([.. known]);
            return page with { Frames = rest, Through = Math.Min(page.Through, through) };
        }
        var (kept, skipped) = NewestOfEachKey.Of(page.Frames);
        return page with { Frames = kept, Skipped = skipped, SkippedThrough = page.Through };
    }

    /// <summary>Reads a page, and holds it from the start, so that concurrent reads cannot exceed the budget.</summary>
    private async Task<ReplayPage> ReadPageAsync(ReplayRange range, CancellationToken stop)
    {
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
        logs.Epochs.Saw(found.Epoch);
        var (frames, format, bytes) = (new LogFrame[found.Events.Count], range.Filter.Format, 0L);
        for (var i = 0; i < frames.Length; i++)
        {
            frames[i] = LogFrame.Of(found.Epoch, found.Events[i], format);
            bytes += frames[i].Bytes.Length;
        }
        var page = new ReplayPage(found.Epoch, found.DroppedThrough, frames, found.Through, IsSearch: found.IsSearch);
        if (range.Through is null)
            page = page with { Skipped = read.Skipped, SkippedThrough = read.Through };
        Pages.Hold(page);
        return page;
    }

    private void Keep(ReplayRange range, ReplayPage page)
    {
        // An empty page may mean that the client is ahead of this replica: it asks again until the replica has caught
        // up.
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

    private async Task<ReplayPage> ReadStoreAsync(ReplayRange range, Reading reading)
    {
        var stop = reading.Stop.Token;
        for (var tried = 1; ; tried++)
        {
            var turn = Ask(reading);
            await _turns.EnterAsync(turn, stop);
            var (begun, isSearch) = ((long?)null, false);
            try
            {
                await Pages.WaitForRoomAsync(stop);
                begun = clock.GetTimestamp();
                var page = await ReadPageAsync(range, stop);
                isSearch = page.IsSearch;
                return page;
            }
            catch (StoreUnavailableException e)
                when (tried < options.Value.ReplayTries && !stop.IsCancellationRequested)
            {
                logger.LogWarning(
                    "Replay after {Position} waits for the store: {Reason}",
                    range.After,
                    e.InnerException?.Message ?? e.Message
                );
            }
            finally
            {
                _turns.Leave(turn, begun is { } start ? clock.GetElapsedTime(start) : TimeSpan.Zero, isSearch);
            }
            // The read returns its turn while it waits, so that a failing range does not block others.
            await Task.Delay(Backoff.Delay(tried - 1, FirstRetry, MaxRetry), clock, stop);
        }
    }

    /// <summary>Asks for a turn in the names of all clients that wait for the read. Later ones add theirs.</summary>
    private ReplayTurn Ask(Reading reading)
    {
        lock (_readings)
        {
            var turn = reading.Turn = new ReplayTurn();
            foreach (var waiter in reading.Waiting)
                Ask(turn, waiter);
            return turn;
        }
    }

    private void Ask(ReplayTurn turn, ReplayWaiter waiter) =>
        _turns.Ask(turn, waiter.Client, waiter.IsSearch ?? (waiter.Range.MaySearch ? null : false));

    /// <summary>A read in progress and its waiters.</summary>
    private sealed class Reading(ReplayWaiter first)
    {
        public List<ReplayWaiter> Waiting { get; } = [first];

        /// <summary>Turn of the present attempt. Null: the first has not begun; clients that join are in <see
        /// cref="Waiting"/> by then.</summary>
        public ReplayTurn? Turn { get; set; }

        /// <summary>
        /// Not disposed, because it may be cancelled after the read has ended. It has no timer or link to release.
        /// </summary>
        public CancellationTokenSource Stop { get; } = new();
    }
}
