using EventStore;
using Npgsql;

namespace Integration.Delivery;

internal static class OutboxWrites
{
    /// <summary>Writes an event to the outbox, in a transaction or at once.</summary>
    public static async Task AddToOutboxAsync(
        this NpgsqlConnection connection,
        NewEvent published,
        NpgsqlTransaction? transaction = null
    )
    {
        await using var insert = Outbox.Insert(connection, transaction, [published]);
        await insert.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
