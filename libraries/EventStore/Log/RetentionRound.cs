using System.Data;
using Npgsql;

namespace EventStore;

/// <summary>One round of retention on its own connection; it holds retention's lock until it is disposed.</summary>
internal sealed class RetentionRound : IAsyncDisposable
{
    private const string Lock = "7303014, 3";

    private readonly NpgsqlConnection _connection;
    private readonly bool _ownsLog;

    private RetentionRound(NpgsqlConnection connection, bool ownsLog)
    {
        _connection = connection;
        _ownsLog = ownsLog;
    }

    public int Dropped { get; private set; }

    /// <summary>Begins a round, or returns null if another session holds the lock.</summary>
    public static async Task<RetentionRound?> BeginAsync(NpgsqlConnection connection, CancellationToken token)
    {
        await using var command = new NpgsqlCommand(
            $"""
            select pg_try_advisory_lock({Lock}), pg_has_role(c.relowner, 'usage')
            from pg_class c where c.oid = 'eventstore.events'::regclass
            """,
            connection
        );
        await using var row = await command.ExecuteReaderAsync(token);
        await row.ReadAsync(token);
        return row.GetBoolean(0) ? new RetentionRound(connection, row.GetBoolean(1)) : null;
    }

    /// <summary>Limits waits for readers: a waiting detach can keep an append from starting a partition.</summary>
    public async Task SetTimeoutsAsync(CancellationToken token)
    {
        await ExecuteAsync("set lock_timeout = '1s'", token);
        await ExecuteAsync("set statement_timeout = 0", token);
    }

    /// <summary>Deletes what is too old beside the log, and returns the number of refused outbox rows among
    /// it.</summary>
    public async Task<long> ForgetRowsAsync(TimeSpan maxAge, CancellationToken token) =>
        (long)(await ExecuteAsync("select eventstore.forget_rows($1)", token, c => c.With(maxAge)))!;

    /// <summary>Ends the runs that have been open for too long, and returns their number.</summary>
    public async Task<int> EndRunsAsync(TimeSpan maxAge, CancellationToken token) =>
        (int)(await ExecuteAsync("select eventstore.end_old_runs($1)", token, c => c.With(maxAge)))!;

    /// <summary>Marks the partitions that are too old or too many.</summary>
    public Task RetireAsync(TimeSpan maxAge, long maxBytes, CancellationToken token) =>
        ExecuteAsync(
            "select eventstore.retire_partitions($1, $2)",
            token,
            command => command.With(maxAge).With(maxBytes)
        );

    /// <summary>Drops the partitions that an earlier, interrupted round has detached or begun to detach.</summary>
    public async Task DropUnfinishedAsync(CancellationToken token)
    {
        foreach (var name in await NamesAsync("select eventstore.detached_partitions()", token))
            await DropTableAsync(name, token);
        const string detaching = "select name from eventstore.retired_partitions() where detaching";
        foreach (var name in await NamesAsync(detaching, token))
            await DetachAsync(name, "finalize", token);
    }

    public async Task DropRetiredAsync(CancellationToken token)
    {
        foreach (var name in await NamesAsync("select name from eventstore.retired_partitions()", token))
            await DetachAsync(name, "concurrently", token);
    }

    /// <summary>Restores the timeouts and releases the lock, because the pool does not reset connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_connection.State != ConnectionState.Open)
            return;
        await ExecuteAsync("reset lock_timeout", CancellationToken.None);
        await ExecuteAsync("reset statement_timeout", CancellationToken.None);
        await ExecuteAsync($"select pg_advisory_unlock({Lock})", CancellationToken.None);
    }

    private async Task DetachAsync(string name, string how, CancellationToken token)
    {
        if (_ownsLog)
            await ExecuteAsync($"alter table eventstore.events detach partition eventstore.{name} {how}", token);
        await DropTableAsync(name, token);
    }

    private async Task DropTableAsync(string name, CancellationToken token)
    {
        await (
            _ownsLog
                ? ExecuteAsync($"drop table eventstore.{name}", token)
                : ExecuteAsync("select eventstore.drop_partition($1)", token, command => command.With(name))
        );
        Dropped++;
    }

    private async Task<string[]> NamesAsync(string sql, CancellationToken token) =>
        (string[])(await ExecuteAsync($"select array({sql})", token))!;

    private async Task<object?> ExecuteAsync(string sql, CancellationToken token, Action<NpgsqlCommand>? add = null)
    {
        await using var command = new NpgsqlCommand(sql, _connection) { CommandTimeout = 0 };
        add?.Invoke(command);
        using var running = RunningCommands.Add(command);
        return await command.ExecuteScalarAsync(token);
    }
}
