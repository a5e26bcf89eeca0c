using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming;

namespace Runs;

/// <summary>
/// This process's right to write runs: one row that it renews while it lives, however many runs it writes. Every
/// replica also looks for
/// rows that nobody renewed, and ends the runs of those. The fence is in the append itself: a replica that wakes from a
/// long sleep finds
/// its row gone and its runs ended, and can add nothing to them.
/// </summary>
internal sealed class RunLeases(
    RunWriters writers,
    IOptions<RunOptions> options,
    IOptions<StreamingOptions> streaming,
    ILogger<RunLeases> logger
) : RestartingService(logger)
{
    private TaskCompletionSource<Guid> _writer = New();
    private long _steadySince,
        _lookedAt;

    private TimeSpan Lease => TimeSpan.FromSeconds(options.Value.LeaseSeconds);

    /// <summary>The lease has been given up: the server stops.</summary>
    public bool Stopped { get; private set; }

    /// <summary>A run of this replica was cancelled; by its topic.</summary>
    public event Action<string>? Cancelled;

    /// <summary>All runs of this replica were taken from the given writer.</summary>
    public event Action<Guid>? Lost;

    /// <summary>This replica has ended runs of a dead one, or runs of its own that had no work; their topics.</summary>
    public event Action<IReadOnlyList<string>>? Swept;

    /// <summary>The topics of the runs that this process works on now.</summary>
    public Func<IReadOnlySet<string>> Written { get; set; } = () => new HashSet<string>();

    /// <summary>The writer that this process is, once it has its lease.</summary>
    /// <exception cref="StoreUnavailableException">Postgres did not give one in time.</exception>
    public async Task<Guid> WriterAsync(CancellationToken cancellationToken)
    {
        if (Stopped)
            throw new StoreUnavailableException("The server is stopping.");
        try
        {
            return await Volatile.Read(ref _writer).Task.WaitAsync(TimeSpan.FromSeconds(5), cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("Postgres does not answer.", e);
        }
    }

    // Until the runs are over, not until the host stops: they have their grace.
    protected override Task RunAsync(CancellationToken stoppingToken) =>
        TogetherAsync(stoppingToken, ListenAsync, KeepAsync);

    private async Task KeepAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RenewAsync(stoppingToken);
                await SweepAsync(stoppingToken);
                await AbandonAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
            {
                Volatile.Write(ref _steadySince, 0);
                Logger.LogWarning("The lease of this replica's runs cannot be renewed: {Reason}", e.Message);
            }
            await Task.Delay(TimeSpan.FromSeconds(options.Value.RenewSeconds), stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        Stopped = true;
        await base.StopAsync(cancellationToken);
        if (!_writer.Task.IsCompletedSuccessfully)
            return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            // Expired rather than deleted: what was not ended in time is swept by the others at once.
            await writers.ExpireAsync(_writer.Task.Result, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException) { }
    }

    private async Task RenewAsync(CancellationToken cancellationToken)
    {
        if (!_writer.Task.IsCompletedSuccessfully)
        {
            await EnterAsync(cancellationToken);
            return;
        }
        var writer = _writer.Task.Result;
        var cancelled = await writers.RenewAsync(writer, Lease, cancellationToken);
        if (cancelled is null)
        {
            Logger.LogWarning("This replica was away for so long that others have ended its runs");
            Volatile.Write(ref _writer, New());
            Lost?.Invoke(writer);
            return;
        }
        foreach (var run in cancelled)
            Cancelled?.Invoke(run);
        if (_steadySince == 0)
            _steadySince = Stopwatch.GetTimestamp();
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        var writer = Guid.CreateVersion7();
        await writers.EnterAsync(writer, streaming.Value.Replica, Lease, cancellationToken);
        _steadySince = Stopwatch.GetTimestamp();
        _writer.TrySetResult(writer);
    }

    /// <summary>After an outage of the store every lease has expired: the living get one lease's time to renew before
    /// anybody is taken for dead.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (_steadySince == 0 || Stopwatch.GetElapsedTime(_steadySince) < Lease)
            return;
        var ended = await writers.SweepAsync(cancellationToken);
        if (ended.Count == 0)
            return;
        Logger.LogWarning("Ended {Count} runs of a replica that is gone", ended.Count);
        Swept?.Invoke(ended);
    }

    /// <summary>
    /// Ends runs that stand in this process's name while it does not work on them: the store had begun one, and the
    /// answer was lost. Nobody else would, since the lease is renewed.
    /// </summary>
    private async Task AbandonAsync(CancellationToken cancellationToken)
    {
        var lease = Lease;
        if (!_writer.Task.IsCompletedSuccessfully || (_lookedAt > 0 && Stopwatch.GetElapsedTime(_lookedAt) < lease))
            return;
        _lookedAt = Stopwatch.GetTimestamp();
        var writer = _writer.Task.Result;
        // Younger ones may be on their way to their work.
        var old = await writers.OlderThanAsync(writer, lease, cancellationToken);
        var written = old.Count == 0 ? null : Written();
        string[] forgotten = [.. old.Where(run => !written!.Contains(run))];
        if (forgotten.Length == 0)
            return;
        var ended = await writers.AbandonAsync(forgotten, writer, cancellationToken);
        if (ended.Count == 0)
            return;
        logger.LogWarning(
            "Ended {Count} runs that were begun without an answer of Postgres, and so without work",
            ended.Count
        );
        Swept?.Invoke(ended);
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await writers.ListenAsync(run => Cancelled?.Invoke(run), stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                // The renewal asks too, only later.
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static TaskCompletionSource<Guid> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
