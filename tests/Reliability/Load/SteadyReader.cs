using LoadTests.Loads;
using LoadTests.Measurements;
using LedgerReader = Measuring.Ledger.LedgerReader;

namespace Reliability.Load;

/// <summary>A client that reads one topic to the end, over all its connections.</summary>
internal sealed class SteadyReader : IAsyncDisposable
{
    private readonly LoadRun _run;
    private readonly LoadReader _reader;
    private long _resyncs;
    private long _forks;

    public SteadyReader(LoadRun run, Lane lane, LedgerReader account)
    {
        _run = run;
        Lane = lane;
        var options = run.StreamOptions with
        {
            OnResync = (resync, _) =>
            {
                Interlocked.Increment(ref _resyncs);
                if (resync.Reason == "epoch")
                    Interlocked.Increment(ref _forks);
                account.ExcuseMissing();
                return ValueTask.CompletedTask;
            },
        };

        _reader = new LoadReader(run, lane.Topic, account, run.Delivery, options);
    }

    public Lane Lane { get; }
    public long Resyncs => Volatile.Read(ref _resyncs);

    /// <summary>Resyncs whose reason is a new epoch.</summary>
    public long Forks => Volatile.Read(ref _forks);

    /// <summary>The work of this reader, which ends with the load.</summary>
    public Task Reading { get; private set; } = Task.CompletedTask;

    /// <summary>Connects, and reads from now on.</summary>
    public async Task OpenAsync()
    {
        await _reader.OpenAsync(_run.Reading);
        Reading = ReadAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _reader.DisposeAsync();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
                await _reader.NextAsync();
        }
        catch (OperationCanceledException) { }
    }
}
