using System.Diagnostics;
using AspireSse.Client;
using LoadTests.Measurements;
using Measuring;
using Measuring.Ledger;

namespace LoadTests.Loads;

/// <summary>A client with one stream, over all its connections. Supports one call at a time.</summary>
internal sealed class LoadReader(
    LoadRun run,
    string topic,
    LedgerReader account,
    LatencyHistogram latency,
    SseClientOptions? options = null
) : IAsyncDisposable
{
    private readonly SseStream _stream = run.Client.Open(
        new SseRequest($"/v1/events/stream?topic={Uri.EscapeDataString(topic)}"),
        options ?? run.StreamOptions
    );
    private IAsyncEnumerator<SseEvent>? _events;
    private bool _opened;
    private long _returnedAt;
    private long _connectedAt;

    /// <summary>Size of the last event's data in bytes.</summary>
    public int Bytes { get; private set; }
    public LedgerReader Account => account;

    /// <summary>True after the stream has ended by a failure.</summary>
    public bool HasFailed { get; set; }

    /// <summary>The time since the reader last connected.</summary>
    public TimeSpan ConnectedFor => Stopwatch.GetElapsedTime(_connectedAt);

    /// <summary>Connects and waits for the server's `connected` event.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        run.Counters.BeginConnect(_stream);
        _events ??= _stream.GetAsyncEnumerator(cancellationToken);
        var started = Stopwatch.GetTimestamp();

        while (true)
        {
            if (!await _events.MoveNextAsync())
                throw Ended();
            if (_events.Current.Type == "connected")
                break;
            // A resumed stream may begin with its missed events.
            Receive(_events.Current);
        }

        _connectedAt = Stopwatch.GetTimestamp();
        run.Connect.Record(Stopwatch.GetElapsedTime(started, _connectedAt));
        run.Counters.Opened(_stream, first: !_opened);
        _opened = true;
    }

    /// <summary>Waits for the next event.</summary>
    /// <returns>The event's latency in milliseconds.</returns>
    public async ValueTask<double> NextAsync()
    {
        while (await MoveNextAsync())
            if (TryReceive(out var milliseconds))
                return milliseconds;
        throw Ended();
    }

    /// <summary>Waits as <see cref="NextAsync"/> does, without an async frame
    /// of its own: thousands of readers wait here for each event.</summary>
    /// <returns>False at the stream's end.</returns>
    public ValueTask<bool> MoveNextAsync() => _events!.MoveNextAsync();

    /// <summary>Counts the event that arrived. Returns false when it was not published by this run.</summary>
    public bool TryReceive(out double milliseconds)
    {
        var nanoseconds = Receive(_events!.Current);
        milliseconds = nanoseconds.GetValueOrDefault() / 1e6;
        return nanoseconds is not null;
    }

    public static LoadTestException Ended() => new("The server ended a stream that should stay open.");

    /// <summary>Disconnects and resumes after a while, on any replica.</summary>
    public async Task DropAndReturnAsync(TimeSpan away)
    {
        await CloseAsync();
        await Task.Delay(away, run.Reading);
        _returnedAt = LoadEvent.Now();
        await OpenAsync(run.Reading);
    }

    /// <summary>Reads for a while, then for all events that were acknowledged in that time, and disconnects.</summary>
    /// <param name="time">The time to read.</param>
    /// <param name="leave">The source of the token that the stream was opened with; cancelled at the end.</param>
    public async Task StayAsync(TimeSpan time, CancellationTokenSource leave)
    {
        using var stayed = new CancellationTokenSource(time);
        using var leaving = stayed.Token.UnsafeRegister(
            _ =>
            {
                account.ExpectUntilNow();
                LeaveIfComplete();
            },
            null
        );

        try
        {
            while (true)
            {
                await NextAsync();
                if (stayed.IsCancellationRequested)
                    LeaveIfComplete();
            }
        }
        catch (OperationCanceledException) { }

        void LeaveIfComplete()
        {
            if (!account.HasAllUntil)
                return;
            // Recorded before the stream ends, so that it does not count as disconnected.
            run.Counters.Closing(_stream);
            leave.Cancel();
        }
    }

    /// <summary>Counts an event, and returns its latency in nanoseconds, or null if this run did not publish
    /// it.</summary>
    private long? Receive(SseEvent received)
    {
        var data = received.Utf8Data.Span;
        if (!LoadEvent.TryRead(data, out var publisher, out var sequence, out var publishedAt))
            return null;

        var nanoseconds = Math.Max(0, LoadEvent.Now() - publishedAt);
        account.Receive(publisher, sequence, received.Id);
        // Events published during the absence measure catching up.
        (publishedAt < _returnedAt ? run.CatchUp : latency).RecordTicks(nanoseconds / 100);
        Bytes = data.Length;

        return nanoseconds;
    }

    private async Task CloseAsync()
    {
        if (_events is null)
            return;
        run.Counters.Closing(_stream);
        await _events.DisposeAsync();
        _events = null;
    }

    public async ValueTask DisposeAsync() => await CloseAsync();
}
