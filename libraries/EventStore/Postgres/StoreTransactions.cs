using Npgsql;

namespace EventStore;

/// <summary>The features' own transactions, under the log's rule that a commit is never cancelled. A commit that is
/// cancelled while it waits for a synchronous standby would be valid without that standby.</summary>
internal static class StoreTransactions
{
    /// <summary>Commits, and waits for the synchronous standby however long it takes.</summary>
    /// <exception cref="PostgresException">Postgres refuses, and has stored nothing: an earlier command failed, or a
    /// deferred constraint or another transaction is in the way.</exception>
    /// <exception cref="StoreUnavailableException">Postgres has not answered, or no standby has confirmed.</exception>
    public static async Task CommitAsync(NpgsqlTransaction transaction)
    {
        var connection = transaction.Connection!;
        // A command of its own: NpgsqlTransaction.CommitAsync cancels after the connection's command timeout. The first
        // statement fails if an earlier one has failed: the commit alone would roll back without an error.
        await using var commit = new NpgsqlCommand("select 1; commit", connection) { CommandTimeout = 0 };
        try
        {
            using var running = RunningCommands.Add(commit);
            await commit.ExecuteNonQueryAsync();
            running.CheckReplication();
        }
        catch (NpgsqlException e) when (!IsRefusal(e))
        {
            throw new StoreUnavailableException("Postgres did not confirm the commit.", e);
        }
    }

    /// <summary>Returns true if Postgres refused the commit, without an outage. A conflict of transactions (class 40)
    /// is such a refusal, though transient.</summary>
    private static bool IsRefusal(NpgsqlException error) =>
        !StoreError.IsOutage(error) || error is PostgresException { SqlState: ['4', '0', ..] };
}
