using Npgsql;

namespace EventStore;

/// <summary>Transactions of the features' own, under the rule of the log: a commit is never cancelled. One that is
/// cancelled while it waits for a synchronous standby would be valid without it.</summary>
internal static class StoreTransactions
{
    /// <summary>The function of Postgres that warns when it stops waiting for a synchronous standby.</summary>
    private const string StandbyWait = "SyncRepWaitForLSN";

    /// <summary>Runs a transaction to its end, and waits for it as long as the connection's command timeout.</summary>
    /// <param name="run">Opens the connection, commits by <see cref="CommitAsync"/> and closes the connection.</param>
    /// <param name="cancellationToken">Ends the wait, not the transaction.</param>
    /// <exception cref="TimeoutException">Postgres has not answered in time, but may still commit.</exception>
    public static Task<T> RunAsync<T>(
        NpgsqlConnection connection,
        Func<Task<T>> run,
        CancellationToken cancellationToken
    )
    {
        var limit = TimeSpan.FromSeconds(connection.CommandTimeout);
        return StoreAccess.WaitAsync(run(), limit, cancellationToken);
    }

    /// <summary>Commits, and waits for the synchronous standby however long it takes.</summary>
    /// <exception cref="StoreUnavailableException">Postgres has not answered, or no standby has confirmed.</exception>
    public static async Task CommitAsync(NpgsqlTransaction transaction)
    {
        var connection = transaction.Connection!;
        // A command of its own: NpgsqlTransaction.CommitAsync cancels after the connection's command timeout.
        await using var commit = new NpgsqlCommand("commit", connection) { CommandTimeout = 0 };
        try
        {
            await commit.ReplicatedAsync(() => commit.ExecuteNonQueryAsync());
        }
        catch (NpgsqlException e)
        {
            throw new StoreUnavailableException("Postgres did not confirm the commit.", e);
        }
    }

    /// <summary>Runs a command that commits, until Postgres answers or no longer runs it.</summary>
    /// <exception cref="NpgsqlException">No synchronous standby has confirmed the commit.</exception>
    internal static async Task<T> ReplicatedAsync<T>(this NpgsqlCommand command, Func<Task<T>> commit)
    {
        var (connection, replicated) = (command.Connection!, true);
        using var running = RunningCommands.Add(command);
        connection.Notice += Note;
        try
        {
            var answer = await commit();
            return replicated
                ? answer
                : throw new NpgsqlException("Postgres committed, but no synchronous standby has confirmed it.");
        }
        finally
        {
            connection.Notice -= Note;
        }

        // WARNING: canceling wait for synchronous replication due to user request. The commit then looks successful.
        void Note(object sender, NpgsqlNoticeEventArgs e) => replicated &= e.Notice.Routine != StandbyWait;
    }
}
