using Microsoft.Extensions.Options;
using Npgsql;

namespace Runs;

/// <summary>
/// The lease of this process on the runs that it writes: one row, renewed periodically. Every replica also ends the
/// runs of expired leases; the store then refuses appends of the former writer.
/// </summary>
internal sealed class ProcessLease(
    RunWriterLeases writers,
    LiveRuns live,
    Shutdown shutdown,
    IOptions<RunOptions> options,
    IOptions<SseOptions> streaming,
    TimeProvider clock,
    ILogger<ProcessLease> logger
) : LateStoppingService(logger, clock)
{
    private TaskCompletionSource<Guid> _writer = New();
    private long _renewingSince;
    private long _renewedAt;
    private long _orphansCheckedAt;

    private TimeSpan Lease => TimeSpan.FromSeconds(options.Value.LeaseSeconds);

    /// <summary>
    /// Raised with the topics of the runs that this replica ended: runs of failed replicas, and its own runs without a
    /// writer.
    /// </summary>
    public event Action<IReadOnlyList<string>>? Swept;

    /// <summary>Names of the handlers that this process can start again.</summary>
    public string[] Handlers { get; set; } = [];

    /// <summary>Starts the handlers of runs that this process holds but does not write yet.</summary>
    public Action<Guid, IReadOnlyList<HandledRun>> Restart { get; set; } = (_, _) => { };

    /// <summary>Returns the id of this process as a writer, once it has a lease.</summary>
    /// <exception cref="StoreUnavailableException">The server stops, or Postgres did not answer in 5 s.</exception>
    public async Task<Guid> WriterAsync(CancellationToken cancellationToken)
    {
        if (shutdown.IsStopped)
            throw new StoreUnavailableException("The server is stopping.");
        try
        {
            return await Volatile.Read(ref _writer).Task.WaitAsync(TimeSpan.FromSeconds(5), Clock, cancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("Postgres does not answer.", e);
        }
    }

    /// <summary>Creates the failure of a run that could not begin under an expired lease.</summary>
    public static StoreUnavailableException Lost() =>
        new("This replica lost its lease on runs. Try again in some seconds.");

    // The lease is renewed while the host stops, since the runs have their grace.
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        // The next renewal finds cancelled runs too.
        using var listening = writers.Listen(live.Cancel);
        await KeepAsync(stoppingToken);
    }

    private Task KeepAsync(CancellationToken stoppingToken) =>
        RepeatAsync(
            async () =>
            {
                if (await RenewAsync(stoppingToken) is not { } writer || shutdown.IsLeaving)
                    return;
                await SweepAsync(writer, stoppingToken);
                await TakeOverAsync(writer, stoppingToken);
                await EndOrphansAsync(writer, stoppingToken);
            },
            TimeSpan.FromSeconds(options.Value.RenewSeconds),
            failure =>
            {
                Volatile.Write(ref _renewingSince, 0);
                Logger.LogWarning(
                    "This replica cannot renew the lease on its runs, and tries again: {Reason}",
                    failure.Message
                );
            },
            stoppingToken
        );

    /// <summary>Takes a step again and again, also after a failure of the store.</summary>
    private async Task RepeatAsync(
        Func<Task> stepAsync,
        TimeSpan pause,
        Action<Exception> failed,
        CancellationToken stoppingToken
    )
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await stepAsync();
            }
            catch (Exception e)
                when (e is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
            {
                if (!stoppingToken.IsCancellationRequested)
                    failed(e);
            }

            await Task.Delay(pause, Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override async Task StoppedAsync(CancellationToken cancellationToken)
    {
        shutdown.Stop();
        await base.StoppedAsync(cancellationToken);

        if (!_writer.Task.IsCompletedSuccessfully)
            return;

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), Clock);
        try
        {
            // The lease expires instead of being deleted, so that other replicas end its open runs at once.
            await writers.ExpireAsync(_writer.Task.Result, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException) { }
    }

    /// <summary>Renews the lease, or begins one. Null if this process has lost it.</summary>
    private async Task<Guid?> RenewAsync(CancellationToken cancellationToken)
    {
        if (!_writer.Task.IsCompletedSuccessfully)
        {
            var begun = Guid.CreateVersion7();
            await writers.EnterAsync(begun, streaming.Value.Replica, Lease, cancellationToken);
            _renewingSince = _renewedAt = Clock.GetTimestamp();
            _writer.TrySetResult(begun);
            return begun;
        }

        var writer = _writer.Task.Result;
        var cancelled = await writers.RenewAsync(writer, Lease, cancellationToken);
        if (cancelled is null)
        {
            Logger.LogWarning(
                "This replica lost its lease, so another one has ended its runs. It continues with a new lease"
            );
            Volatile.Write(ref _writer, New());
            live.Fence(writer);
            return null;
        }

        foreach (var run in cancelled)
            live.Cancel(run);

        Renewed();
        return writer;
    }

    /// <summary>Records a renewal. If the last renewal was at least one lease ago, the sweep waits one lease, so
    /// that the other writers can renew first.</summary>
    private void Renewed()
    {
        if (_renewingSince == 0 || Clock.GetElapsedTime(_renewedAt) >= Lease)
            _renewingSince = Clock.GetTimestamp();
        _renewedAt = Clock.GetTimestamp();
    }

    /// <summary>
    /// Ends the runs of expired leases. After an outage of the store all leases have expired, so the sweep first waits
    /// one lease, in which the replicas renew their leases.
    /// </summary>
    private async Task SweepAsync(Guid writer, CancellationToken cancellationToken)
    {
        if (_renewingSince == 0 || Clock.GetElapsedTime(_renewingSince) < Lease)
            return;

        Report(await writers.SweepAsync(writer, cancellationToken), "of a replica that failed or stopped");
    }

    /// <summary>Takes over the runs with a handler that a sweep by any replica has left open.</summary>
    private async Task TakeOverAsync(Guid writer, CancellationToken cancellationToken)
    {
        if (Handlers.Length == 0)
            return;

        var taken = await writers.TakeOverAsync(writer, Handlers, cancellationToken);
        if (taken.Count == 0)
            return;

        Logger.LogWarning("Goes on with {Count} runs of a replica that failed or stopped", taken.Count);
        await RestartAsync(writer, [.. taken], cancellationToken);
    }

    /// <summary>Starts the runs that have a handler, and returns their topics.</summary>
    private async Task<IEnumerable<string>> RestartAsync(
        Guid writer,
        string[] topics,
        CancellationToken cancellationToken
    )
    {
        if (Handlers.Length == 0)
            return [];

        var runs = await writers.HandledAsync(writer, topics, cancellationToken);
        Restart(writer, runs);
        return runs.Select(run => run.Topic);
    }

    /// <summary>
    /// Ends the runs that this process holds but does not write, or starts them if they have a handler: Postgres began
    /// them, but its answer was lost. Other replicas do not end them, because this one renews its lease.
    /// </summary>
    private async Task EndOrphansAsync(Guid writer, CancellationToken cancellationToken)
    {
        var lease = Lease;
        if (_orphansCheckedAt > 0 && Clock.GetElapsedTime(_orphansCheckedAt) < lease)
            return;

        _orphansCheckedAt = Clock.GetTimestamp();
        // Younger runs may be about to start.
        var old = await writers.OlderThanAsync(writer, lease, cancellationToken);
        string[] orphans = [.. old.Except(live.Topics())];
        if (orphans.Length == 0)
            return;

        orphans = [.. orphans.Except(await RestartAsync(writer, orphans, cancellationToken))];
        var ended = await writers.AbandonAsync(orphans, writer, lease, cancellationToken);
        Report(ended, "without a writer: Postgres began them, but its answer was lost");
    }

    private void Report(IReadOnlyList<string> ended, string which)
    {
        if (ended.Count == 0)
            return;

        Logger.LogWarning("Ended {Count} runs {Which}", ended.Count, which);
        Swept?.Invoke(ended);
    }

    private static TaskCompletionSource<Guid> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
