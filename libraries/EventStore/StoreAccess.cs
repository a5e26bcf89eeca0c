using Npgsql;

namespace EventStore;

/// <summary>Asking Postgres, with one word for it where it does not answer.</summary>
public static class StoreAccess
{
    /// <summary>Runs a command.</summary>
    /// <param name="store">Where.</param>
    /// <param name="sql">Its text; null where <paramref name="ask"/> sets it.</param>
    /// <param name="ask">Adds the parameters, and reads the answer.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
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
