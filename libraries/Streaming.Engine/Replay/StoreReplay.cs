using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Fanout;

namespace Streaming.Replay;

/// <summary>Reads pages for lagging connections from memory, else in fair turns from the store, a few at a time. Equal
/// ranges, at once or a moment later, share one read; a read without waiters is cancelled in Postgres, too.</summary>
/// <remarks>
/// 1. A page that was read a moment ago, or a read under way, is shared.
/// 2. Otherwise memory may have the range.
/// 3. Otherwise the read waits for a turn, and for room, and asks the store.
/// 4. All who wait get the page, or nothing if the store does not answer.
/// </remarks>
internal sealed class StoreReplay(
    FilterRingRegistry rings,
    StorePages store,
    Gates gates,
    IOptions<SseOptions> options,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<StoreReplay> logger
) : IReplay
{
    /// <summary>Time after a search in which a client's first pages wait like searches. One search is free, because a
    /// page that may be a search rarely is; with ten free searches, twelve clients at once slowed others (decision
    /// 53).</summary>
    private static readonly TimeSpan FreeSearch = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxRetry = TimeSpan.FromSeconds(4);

    private readonly Dictionary<ReplayRange, Reading> _readings = [];
    private readonly SharedPages _shared = new(
        options.Value.RecentBytes,
        TimeSpan.FromSeconds(options.Value.ReplaySharedSeconds),
        clock
    );

    private readonly Pace<string> _freeSearches = new(1 / FreeSearch.TotalSeconds, burst: 0, clock);

    public PageBudget Pages { get; } = new(options.Value.ReplayBytes, clock);

    public void Read(ReplayWaiter waiter, string epoch)
    {
        // 1. Share a page that was read a moment ago, or a read under way.
        ReplayPage? known;
        Reading? begun = null;
        lock (_readings)
        {
            known = _shared.Find(waiter.Range, epoch);
            if (known is not null)
                Pages.Take(known);
            else if (_readings.TryGetValue(waiter.Range, out var reading))
                Join(reading, waiter);
            else
                _readings.Add(waiter.Range, begun = new Reading(waiter));
        }

        if (known is not null)
            waiter.Done(waiter, known);
        else if (begun is not null)
            _ = Task.Run(() => ReadAsync(waiter.Range, epoch, begun));
    }

    /// <summary>Removes a waiter; the read ends if it was the last.</summary>
    public void Cancel(ReplayWaiter waiter)
    {
        Reading? abandoned;
        lock (_readings)
        {
            if (
                !_readings.TryGetValue(waiter.Range, out var reading)
                || reading.Waiting.RemoveAll(place => place.Waiter == waiter) == 0
                || reading.Waiting.Count > 0
            )
                return;

            _readings.Remove(waiter.Range);
            abandoned = reading;
        }

        // Cancellation callbacks run on the calling thread, and a writer loop must go on serving others.
        _ = abandoned.Stop.CancelAsync();
    }

    public void Sweep()
    {
        lock (_readings)
            _shared.Forget();
    }

    /// <summary>Forgets the pages that are kept for others.</summary>
    public void Forget()
    {
        lock (_readings)
            _shared.Clear();
    }

    private async Task ReadAsync(ReplayRange range, string epoch, Reading reading)
    {
        await using var stopping = lifetime.ApplicationStopping.UnsafeRegister(
            static stop => ((CancellationTokenSource)stop!).Cancel(),
            reading.Stop
        );

        ReplayPage? answer = null;
        var isFromStore = false;
        try
        {
            // 2. Memory may have the range.
            answer = ReadRecent(range, epoch);
            isFromStore = answer is null;
            answer ??= await ReadStoreAsync(range, reading);
        }
        catch (Exception) when (reading.Stop.IsCancellationRequested)
        {
            return; // the server stops, or no waiter is left
        }
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

        // 4. All who wait get the page, or nothing if the store does not answer.
        foreach (var place in End(range, reading, isFromStore ? answer : null))
        {
            var waiter = place.Waiter;
            if (answer is not null)
                Pages.Take(answer);
            waiter.Done(waiter, answer);
        }

        // Releases the hold of this read itself.
        if (answer is not null)
            Pages.Release(answer);
    }

    /// <summary>Ends a read, keeps its store page (<c>found</c>) for others, and returns its waiters.</summary>
    private List<Place> End(ReplayRange range, Reading reading, ReplayPage? found)
    {
        lock (_readings)
        {
            var waiting = reading.Waiting;
            // If all waiters have left, another read of the same range may have begun.
            if (waiting.Count == 0)
                return waiting;

            _readings.Remove(range);

            if (found is not null)
                _shared.Add(range, found);

            return waiting;
        }
    }

    private ReplayPage? ReadRecent(ReplayRange range, string epoch)
    {
        // A page of newest events keeps few of the frames, so its size is not limited here.
        var page = rings.ReadRecent(range.Filter, range.After, epoch, range.Newest ? int.MaxValue : range.Bytes);
        if (page is not null && range.Newest)
            page = NewestOf(page, range.Through);
        if (page is not null)
            Pages.Take(page);
        return page;
    }

    /// <summary>Shortens a page to the newest events (<see cref="ReplayRange.Through"/>).</summary>
    public static ReplayPage NewestOf(ReplayPage page, long? through)
    {
        if (through is null)
        {
            var (kept, skipped) = NewestOfEachKey.Of(page.Frames);
            return page with { Frames = kept, Skipped = skipped, SkippedThrough = page.Through };
        }

        var announced = page.Frames.TakeWhile(frame => frame.Position <= through);
        var (rest, _) = NewestOfEachKey.Of([.. announced]);
        return page with { Frames = rest, Through = Math.Min(page.Through, through.Value) };
    }

    private async Task<ReplayPage> ReadStoreAsync(ReplayRange range, Reading reading)
    {
        var stop = reading.Stop.Token;
        for (var tried = 1; ; tried++)
        {
            try
            {
                // 3. Wait for a turn, and for room, and ask the store.
                using (await Ask(reading).EnterAsync(stop))
                {
                    await Pages.WaitForRoomAsync(stop);
                    var page = await store.ReadAsync(range, stop);
                    // Taken before the seat is released: reads exceed the budget by at most a page for each seat.
                    Pages.Take(page);

                    if (page.IsSearch)
                        ChargeFreeSearch(reading);

                    return page;
                }
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

            // The seat is free during the delay, so that a failing range does not block others.
            await Task.Delay(Backoff.Delay(tried - 1, FirstRetry, MaxRetry), clock, stop);
        }
    }

    /// <summary>Asks for a turn in the names of all clients that wait for the read. Clients that join later add their
    /// names.</summary>
    private SharedTurn Ask(Reading reading)
    {
        lock (_readings)
        {
            var turn = reading.Turn = new SharedTurn();
            foreach (var place in reading.Waiting)
                Ask(turn, place);
            return turn;
        }
    }

    private void Join(Reading reading, ReplayWaiter waiter)
    {
        var place = new Place(waiter);
        reading.Waiting.Add(place);
        if (reading.Turn is { } turn)
            Ask(turn, place);
    }

    private void Ask(SharedTurn turn, Place place)
    {
        // Chosen once, because all attempts of a read are one search.
        place.Gate ??= GateOf(place.Waiter);
        turn.Ask(place.Gate, place.Waiter.Client);
    }

    /// <summary>Returns the gate of searches for a search, and for a likely search of a client that has used its free
    /// one.</summary>
    private FairGate GateOf(ReplayWaiter waiter)
    {
        var isSearch =
            waiter.IsSearch
            ?? (waiter.Range.MaySearch && _freeSearches.Charge(waiter.Client, 0, TimeSpan.Zero) is null);
        return isSearch ? gates.Searches : gates.Replays;
    }

    private void ChargeFreeSearch(Reading reading)
    {
        lock (_readings)
            foreach (var place in reading.Waiting)
                if (place.Waiter.IsSearch is null)
                    _freeSearches.Charge(place.Waiter.Client, 1);
    }

    private sealed record Place(ReplayWaiter Waiter)
    {
        public FairGate? Gate { get; set; }
    }

    private sealed class Reading(ReplayWaiter first)
    {
        public List<Place> Waiting { get; } = [new Place(first)];

        /// <summary>Turn of the present attempt, or null before the first attempt, which asks for all
        /// waiters.</summary>
        public SharedTurn? Turn { get; set; }

        /// <summary>Never disposed: it may be cancelled after the read, and has no timer or link to release.</summary>
        public CancellationTokenSource Stop { get; } = new();
    }
}
