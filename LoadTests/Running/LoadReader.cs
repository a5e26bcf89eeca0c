using System.Diagnostics;
using AspireSse.Client;
using Ledger;
using LoadTests.Measuring;

namespace LoadTests.Running;

/// <summary>One client with one stream, over all its connections. One call at a time.</summary>
internal sealed class LoadReader(LoadRun run, string topic, LedgerReader account, LatencyHistogram latency)
    : IAsyncDisposable
{
    private readonly SseStream _stream = run.Client.Open(
        new SseRequest($"/v1/events/stream?topic={Uri.EscapeDataString(topic)}"),
        run.StreamOptions
    );
    private readonly Dictionary<int, long> _last = [];
    private IAsyncEnumerator<SseEvent>? _events;
    private bool _keepsLast,
        _opened;
    private long _returnedAt,
        _cameAt;

    /// <summary>Size of the last event's data in bytes.</summary>
    public int Bytes { get; private set; }
    public LedgerReader Account => account;

    /// <summary>How long it has been there since it last came.</summary>
    public TimeSpan Here => Stopwatch.GetElapsedTime(_cameAt);

    /// <summary>Connects and waits until the server says that the stream is open.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        run.Counters.Coming(_stream);
        _events ??= _stream.GetAsyncEnumerator(cancellationToken);
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (!await _events.MoveNextAsync())
                throw Ended();
            if (_events.Current.Type == "connected")
                break;
            // A resumed stream may begin with its events.
            Take(_events.Current);
        }
        _cameAt = Stopwatch.GetTimestamp();
        run.Connect.Record(Stopwatch.GetElapsedTime(started, _cameAt));
        run.Counters.Opened(_stream, first: !_opened);
        _opened = true;
    }

    /// <summary>Waits for the next event.</summary>
    /// <returns>Its latency in milliseconds.</returns>
    public async ValueTask<double> NextAsync()
    {
        while (await ArriveAsync())
            if (TryTake(out var milliseconds))
                return milliseconds;
        throw Ended();
    }

    /// <summary>What <see cref="NextAsync"/> waits for, for a caller that has thousands of readers and no frame to
    /// spare on the way to each event.</summary>
    /// <returns>False at the stream's end.</returns>
    public ValueTask<bool> ArriveAsync() => _events!.MoveNextAsync();

    /// <summary>Counts what has arrived; false where it is none of the published events.</summary>
    public bool TryTake(out double milliseconds)
    {
        var nanoseconds = Take(_events!.Current);
        milliseconds = nanoseconds / 1e6;
        return nanoseconds >= 0;
    }

    public static LoadTestException Ended() => new("The server ended a stream that has no end.");

    /// <summary>Leaves, and comes back after a while where it was, on whichever replica.</summary>
    public async Task DropAndReturnAsync(TimeSpan away)
    {
        await CloseAsync();
        await Task.Delay(away, run.Reading);
        _returnedAt = LoadEvent.Now();
        await OpenAsync(run.Reading);
    }

    /// <summary>Reads for a while.</summary>
    /// <param name="time">How long.</param>
    /// <param name="leave">What it was opened with; cancelled then.</param>
    public async Task StayAsync(TimeSpan time, CancellationTokenSource leave)
    {
        using var stayed = new CancellationTokenSource(time);
        // Said before its stream ends: it is not cut off.
        using var leaving = stayed.Token.UnsafeRegister(
            _ =>
            {
                run.Counters.Leaves(_stream);
                leave.Cancel();
            },
            null
        );
        try
        {
            while (true)
                await NextAsync();
        }
        catch (OperationCanceledException) { }
    }

    /// <summary>From now on the last of each publisher is kept, for one that leaves for good before the others
    /// do.</summary>
    public void KeepLast() => _keepsLast = true;

    /// <summary>Of one who has left: what came after the last it got was not for it any more. Gaps before that stay
    /// losses.</summary>
    public void ExcuseAfterLeaving(IEnumerable<LedgerPublisher> publishers)
    {
        foreach (var publisher in publishers)
            account.Excuse(publisher, _last.GetValueOrDefault(publisher.Number) + 1, long.MaxValue - 1);
    }

    private long Take(SseEvent e)
    {
        var data = e.Utf8Data.Span;
        if (!LoadEvent.TryRead(data, out var publisher, out var sequence, out var publishedAt))
            return -1;
        var nanoseconds = Math.Max(0, LoadEvent.Now() - publishedAt);
        account.Receive(publisher, sequence);
        // What was published while it was away is a matter of catching up.
        (publishedAt < _returnedAt ? run.CatchUp : latency).RecordTicks(nanoseconds / 100);
        if (_keepsLast)
            _last[publisher] = Math.Max(sequence, _last.GetValueOrDefault(publisher));
        Bytes = data.Length;
        return nanoseconds;
    }

    private async Task CloseAsync()
    {
        if (_events is null)
            return;
        run.Counters.Leaves(_stream);
        await _events.DisposeAsync();
        _events = null;
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
