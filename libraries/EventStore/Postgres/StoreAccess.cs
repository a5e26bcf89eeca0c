using Npgsql;

namespace EventStore;

/// <summary>Runs commands on Postgres with one exception for every outage.</summary>
internal static class StoreAccess
{
    /// <summary>SQLSTATE of <c>eventstore.epoch()</c> on a promoted, copied or restored server that has no epoch
    /// yet.</summary>
    internal const string NoEpochYet = "SSE01";

    /// <summary>Runs a command on a connection of its own. On a server without an epoch it records one, and runs the
    /// command again.</summary>
    /// <param name="sql">The command's text, or null if <paramref name="ask"/> sets it.</param>
    /// <param name="ask">Runs the command and reads the answer. It must pass no cancellation to a command.</param>
    /// <param name="cancellationToken">Cancels the command, in Postgres too. Only for commands that only read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, refuses or does not replicate.</exception>
    public static Task<T> AskAsync<T>(
        this NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> ask,
        CancellationToken cancellationToken = default
    ) => store.AnswerAsync(sql, ask, stopWait: default, stop: cancellationToken);

    /// <summary>Runs a command that writes, like <see cref="AskAsync"/>; cancellation ends only the wait.</summary>
    public static Task<T> ChangeAsync<T>(
        this NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> change,
        CancellationToken cancellationToken
    ) => store.AnswerAsync(sql, change, stopWait: cancellationToken, stop: default);

    private static async Task<T> AnswerAsync<T>(
        this NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> run,
        CancellationToken stopWait,
        CancellationToken stop
    )
    {
        try
        {
            try
            {
                return await store.RunAsync(sql, run, null, stopWait, stop);
            }
            catch (PostgresException e) when (e.SqlState == NoEpochYet)
            {
                await store.RunAsync(
                    "select eventstore.begin_epoch()",
                    command => command.ExecuteScalarAsync(CancellationToken.None),
                    stopWait
                );
                return await store.RunAsync(sql, run, null, stopWait, stop);
            }
        }
        // Such as a NUL or a number out of range. No retry helps.
        catch (PostgresException e) when (StoreError.IsOfData(e))
        {
            throw new ArgumentException($"Postgres refuses a value: {e.MessageText}", e);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw new StoreUnavailableException(StoreError.Mistake(e) ?? "Postgres does not answer.", e);
        }
    }

    internal static Task<T> RunAsync<T>(
        this NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> run,
        CancellationToken cancellationToken = default
    ) => store.RunAsync(sql, run, null, cancellationToken);

    /// <summary>Runs a command that only reads, like <see cref="AskAsync"/>, and again if its connection broke while
    /// idle: a failover must not cost each connection a request.</summary>
    public static async Task<T> ReadAsync<T>(
        this NpgsqlDataSource store,
        string sql,
        Func<NpgsqlCommand, Task<T>> read,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            return await store.AskAsync(sql, read, cancellationToken);
        }
        catch (StoreUnavailableException e) when (e.InnerException is NpgsqlException { IsTransient: true } broken)
        {
            if (broken.InnerException is not IOException)
                throw;
            return await store.AskAsync(sql, read, cancellationToken);
        }
    }

    /// <summary>Runs a command on a connection of its own. After the timeout it gives up and does not cancel: the
    /// cancellation of a commit that waits for a synchronous standby would make the commit valid without that
    /// standby.</summary>
    /// <param name="run">Runs the command, perhaps beyond the timeout. It must pass no cancellation to a command that
    /// writes.</param>
    /// <param name="timeout">The timeout, or null for the command timeout of the connection string.</param>
    /// <param name="cancellationToken">Ends the wait, not the command.</param>
    /// <param name="stop">Cancels the command, in Postgres too.</param>
    /// <exception cref="TimeoutException">Postgres may be frozen, or wait for a synchronous standby.</exception>
    /// <exception cref="NpgsqlException">Postgres refused the command, or does not answer.</exception>
    internal static Task<T> RunAsync<T>(
        this NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> run,
        TimeSpan? timeout,
        CancellationToken cancellationToken,
        CancellationToken stop = default
    )
    {
        var connection = store.CreateConnection();
        var limit = timeout ?? TimeSpan.FromSeconds(connection.CommandTimeout);
        return WaitAsync(RunOnAsync(connection, store, sql, run, stop), limit, cancellationToken);
    }

    /// <summary>Waits for work on Postgres, and gives up after the timeout. The work goes on.</summary>
    internal static async Task<T> WaitAsync<T>(Task<T> running, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
#pragma warning disable RS0030 // It replaces Npgsql's command timeout, and a data source has no clock.
            return await running.WaitAsync(limit, cancellationToken);
#pragma warning restore RS0030
        }
        catch (Exception e) when (!running.IsCompleted)
        {
            // Reads its exception, or the runtime would report it as unobserved.
            _ = running.ContinueWith(late => late.Exception, TaskScheduler.Default);
            if (e is not TimeoutException)
                throw;

            throw new TimeoutException(
                $"Postgres has not answered for {limit.TotalSeconds:F0} s: it may be frozen, or wait for a synchronous "
                    + "standby.",
                e
            );
        }
    }

    private static async Task<T> RunOnAsync<T>(
        NpgsqlConnection connection,
        NpgsqlDataSource store,
        string? sql,
        Func<NpgsqlCommand, Task<T>> run,
        CancellationToken stop
    )
    {
        await using var _ = connection;
        await connection.OpenDirectAsync(store, stop);
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await using var cancellation = stop.CanBeCanceled ? new CommandCancellation(command, stop) : null;

        try
        {
            stop.ThrowIfCancellationRequested();
            using var running = RunningCommands.Add(command);
            var answer = await run(command);
            running.CheckReplication();
            return answer;
        }
        catch (Exception e) when (stop.IsCancellationRequested && e is NpgsqlException or OperationCanceledException)
        {
            throw new OperationCanceledException("The command was cancelled.", e, stop);
        }
    }
}
