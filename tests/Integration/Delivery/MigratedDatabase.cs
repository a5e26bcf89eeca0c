using Npgsql;
using Stack;

namespace Integration.Delivery;

/// <summary>Copies of one migrated database: a migration for each system would take longer than its tests.</summary>
internal static class MigratedDatabase
{
    private static readonly Lock Once = new();
    private static Task<string>? _template;

    public static async Task<NpgsqlConnectionStringBuilder> CreateAsync(
        StackFixture stack,
        CancellationToken cancellationToken
    )
    {
        Task<string> template;
        lock (Once)
            template = _template ??= MigrateAsync(stack);
        return await stack.CreateDatabaseAsync(cancellationToken, await template.WaitAsync(cancellationToken));
    }

    private static async Task<string> MigrateAsync(StackFixture stack)
    {
        var database = await stack.CreateDatabaseAsync(CancellationToken.None);
        database.Pooling = false; // Postgres copies only what nobody is connected to
        await StreamApi.Migration.RunAsync([
            "--ConnectionStrings:eventstore",
            database.ConnectionString,
            "--Logging:LogLevel:Default",
            "Warning",
        ]);
        return database.Database!;
    }
}
