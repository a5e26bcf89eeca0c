using Npgsql;

namespace EventStore;

/// <summary>Secrets that all processes share through Postgres. The migrations create them.</summary>
internal static class StoreSecrets
{
    /// <summary>Seals stream tickets.</summary>
    public const string Tickets = "tickets";

    /// <summary>Signs the Broadcaster's messages.</summary>
    public const string Relay = "relay";

    /// <summary>Reads a secret: 32 bytes or more.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="InvalidOperationException">The secret is missing.</exception>
    public static Task<byte[]> ReadSecretAsync(
        this NpgsqlDataSource store,
        string name,
        CancellationToken cancellationToken
    ) =>
        store.AskAsync(
            "select value from eventstore.secrets where name = $1",
            async command =>
                await command.With(name).ExecuteScalarAsync(CancellationToken.None) as byte[]
                ?? throw new InvalidOperationException(
                    $"The table eventstore.secrets has no row '{name}', which the migrations create. Run "
                        + "'StreamApi migrate'; if the row was deleted, insert 32 random bytes under this name."
                ),
            cancellationToken
        );
}
