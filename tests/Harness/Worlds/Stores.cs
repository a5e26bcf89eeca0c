using Npgsql;

namespace Harness.Worlds;

/// <summary>The Postgres and the Redis of a run, started once; each world has a database and a channel of its
/// own.</summary>
/// <param name="eventStore">The connection string of a database of a user who may create others.</param>
/// <param name="redis">As StackExchange.Redis reads it.</param>
internal sealed class Stores(string eventStore, string redis)
{
    private static Stores? _shared;

    private readonly Lock _once = new();
    private Task<string>? _template;

    /// <summary>The stores of this process.</summary>
    /// <exception cref="InvalidOperationException">Nobody has started them.</exception>
    public static Stores Shared
    {
        get => _shared ?? throw new InvalidOperationException("The stores of this process are not started.");
        set => _shared = value;
    }

    public string EventStore => eventStore;
    public string Redis => redis;

    /// <summary>Creates a database as a copy of the template, and returns its connection string.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync(
        CancellationToken cancellationToken,
        string template = "template1"
    )
    {
        var name = $"test_{Guid.NewGuid():N}";
        // Many tests start at once, and a busy machine opens a connection late.
        var patient = new NpgsqlConnectionStringBuilder(eventStore) { Timeout = 180, CommandTimeout = 180 };
        await using var source = NpgsqlDataSource.Create(patient);

        await using (var create = source.CreateCommand($"create database {name} template {template}"))
            await create.ExecuteNonQueryAsync(cancellationToken);

        return new NpgsqlConnectionStringBuilder(eventStore) { Database = name };
    }

    /// <summary>Creates a copy of one migrated database: a migration for each world would take longer than its
    /// tests.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateMigratedAsync(CancellationToken cancellationToken)
    {
        Task<string> template;
        lock (_once)
            template = _template ??= MigrateAsync();

        return await CreateDatabaseAsync(cancellationToken, await template.WaitAsync(cancellationToken));
    }

    private async Task<string> MigrateAsync()
    {
        var database = await CreateDatabaseAsync(CancellationToken.None);
        await MigrateAsync(database);
        return database.Database!;
    }

    /// <summary>Migrates a database, to which nobody is connected afterwards.</summary>
    public static Task MigrateAsync(NpgsqlConnectionStringBuilder database)
    {
        // Postgres copies only what nobody is connected to.
        var alone = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false };
        return StreamApi.Migration.RunAsync([
            "--ConnectionStrings:eventstore",
            alone.ConnectionString,
            "--Logging:LogLevel:Default",
            "Warning",
        ]);
    }
}
