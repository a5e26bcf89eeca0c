using Npgsql;

namespace EventStore;

/// <summary>Runs commands on Postgres with one exception for every outage.</summary>
public static class StoreAccess
{
    /// <summary>Runs a command on a connection of its own.</summary>
    /// <param name="store">The database.</param>
    /// <param name="sql">The command's text; null if <paramref name="ask"/> sets it.</param>
    /// <param name="ask">Adds the parameters, runs the command and reads the answer.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or refused the command.</exception>
    public static async Task<T> AskAsync<T>(this NpgsqlDataSource store, string? sql, Func<NpgsqlCommand, Task<T>> ask)
    {
        try
        {
            await using var command = store.CreateCommand(sql);
            return await ask(command);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            throw new StoreUnavailableException("Postgres does not answer.", e);
        }
    }
}
