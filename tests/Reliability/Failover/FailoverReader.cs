using AspireSse.Client;
using LoadTests.Loads;
using LoadTests.Measurements;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace Reliability.Failover;

/// <summary>A client that reads one topic to the end, over all its connections.</summary>
internal sealed class FailoverReader : IAsyncDisposable
{
    private readonly LoadRun _run;
    private readonly LedgerReader _account;
    private readonly SseStream _stream;
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _resyncs,
        _forks;

    public FailoverReader(LoadRun run, Lane lane, LedgerReader account)
    {
        (_run, Lane, _account) = (run, lane, account);
        _stream = run.Client.Open(
            new SseRequest($"/v1/events/stream?topic={Uri.EscapeDataString(lane.Topic)}"),
            run.StreamOptions with
            {
                OnConnected = (_, _) =>
                {
                    if (_open.TrySetResult())
                        run.Counters.Opened(_stream!, first: true);
                    return ValueTask.CompletedTask;
                },
                OnResync = (resync, _) =>
                {
                    Interlocked.Increment(ref _resyncs);
                    if (resync.Reason == "epoch")
                        Interlocked.Increment(ref _forks);
                    account.ExcuseMissing();
                    return ValueTask.CompletedTask;
                },
            }
        );
    }

    public Lane Lane { get; }
    public long Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Resyncs whose reason is a new epoch.</summary>
    public long Forks => Volatile.Read(ref _forks);

    /// <summary>The work of this reader, which ends with the load.</summary>
    public Task Reading { get; private set; } = Task.CompletedTask;
    public long Received => _account.Received;

    /// <summary>Connects, and reads from now on. Returns when the server has accepted the stream.</summary>
    public Task OpenAsync()
    {
        _run.Counters.BeginConnect(_stream);
        Reading = ReadAsync();
        return Task.WhenAny(_open.Task, Reading).Unwrap();
    }

    public async ValueTask DisposeAsync() => await Reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task ReadAsync()
    {
        try
        {
            await foreach (var e in _stream.WithCancellation(_run.Reading))
            {
                if (!LoadEvent.TryRead(e.Utf8Data.Span, out var publisher, out var sequence, out var publishedAt))
                    continue;
                _account.Receive(publisher, sequence, e.Id);
                _run.Delivery.RecordTicks(Math.Max(0, LoadEvent.Now() - publishedAt) / 100);
            }
        }
        catch (OperationCanceledException) { }
    }
}
