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
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IOptions<RunOptions> options,
    IOptions<StreamingOptions> streaming,
    ILogger<RunLeases> logger
) : RestartingService(logger)
{
    private TaskCompletionSource<Guid> _writer = New();
    private long _steadySince,
        _lookedAt;

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
            await using var command = store.CreateCommand(
                "update eventstore.run_writers set expires_at = clock_timestamp() where id = $1"
            );
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = _writer.Task.Result });
            await command.ExecuteNonQueryAsync(limit.Token);
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
        await using var command = store.CreateCommand(
            """
            with mine as (update eventstore.run_writers set expires_at = clock_timestamp() + $2 where id = $1 returning id)
            select exists (select from mine), array(select run from eventstore.runs where writer = $1 and cancelled)
            """
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        command.Parameters.Add(
            new NpgsqlParameter<TimeSpan> { TypedValue = TimeSpan.FromSeconds(options.Value.LeaseSeconds) }
        );
        string[] cancelled;
        await using (var row = await command.ExecuteReaderAsync(cancellationToken))
        {
            await row.ReadAsync(cancellationToken);
            cancelled = await row.GetFieldValueAsync<string[]>(1, cancellationToken);
            if (!row.GetBoolean(0))
            {
                Logger.LogWarning("This replica was away for so long that others have ended its runs");
                Volatile.Write(ref _writer, New());
                Lost?.Invoke(writer);
                return;
            }
        }
        foreach (var run in cancelled)
            Cancelled?.Invoke(run);
        if (_steadySince == 0)
            _steadySince = Stopwatch.GetTimestamp();
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        var writer = Guid.CreateVersion7();
        await using var command = store.CreateCommand(
            "insert into eventstore.run_writers values ($1, $2, clock_timestamp() + $3)"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = streaming.Value.Replica });
        command.Parameters.Add(
            new NpgsqlParameter<TimeSpan> { TypedValue = TimeSpan.FromSeconds(options.Value.LeaseSeconds) }
        );
        await command.ExecuteNonQueryAsync(cancellationToken);
        _steadySince = Stopwatch.GetTimestamp();
        _writer.TrySetResult(writer);
    }

    /// <summary>After an outage of the store every lease has expired: the living get one lease's time to renew before
    /// anybody is taken for dead.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (
            _steadySince == 0
            || Stopwatch.GetElapsedTime(_steadySince) < TimeSpan.FromSeconds(options.Value.LeaseSeconds)
        )
            return;
        await using var command = store.CreateCommand("select eventstore.sweep_runs()");
        if (await command.ExecuteScalarAsync(cancellationToken) is not string[] { Length: > 0 } ended)
            return;
        Logger.LogWarning("Ended {Count} runs of a replica that is gone", ended.Length);
        Swept?.Invoke(ended);
    }

    /// <summary>
    /// Ends runs that stand in this process's name while it does not work on them: the store had begun one, and the
    /// answer was lost. Nobody else would, since the lease is renewed.
    /// </summary>
    private async Task AbandonAsync(CancellationToken cancellationToken)
    {
        var lease = TimeSpan.FromSeconds(options.Value.LeaseSeconds);
        if (!_writer.Task.IsCompletedSuccessfully || (_lookedAt > 0 && Stopwatch.GetElapsedTime(_lookedAt) < lease))
            return;
        _lookedAt = Stopwatch.GetTimestamp();
        var writer = _writer.Task.Result;
        // Younger ones may be on their way to their work.
        await using var command = store.CreateCommand(
            "select array(select run from eventstore.runs where writer = $1 and started_at < clock_timestamp() - $2)"
        );
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = lease });
        var old = (string[])(await command.ExecuteScalarAsync(cancellationToken))!;
        var written = old.Length == 0 ? null : Written();
        string[] forgotten = [.. old.Where(run => !written!.Contains(run))];
        if (forgotten.Length == 0)
            return;
        await using var abandon = store.CreateCommand("select eventstore.abandon_runs($1, $2)");
        abandon.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = forgotten });
        abandon.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = writer });
        if (await abandon.ExecuteScalarAsync(cancellationToken) is not string[] { Length: > 0 } ended)
            return;
        logger.LogWarning(
            "Ended {Count} runs that were begun without an answer of Postgres, and so without work",
            ended.Length
        );
        Swept?.Invoke(ended);
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await store.ListenAsync("eventstore_runs", () => { }, run => Cancelled?.Invoke(run), stoppingToken);
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
