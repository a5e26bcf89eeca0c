using Npgsql;

namespace Adopter.Appending;

/// <summary>An application with nothing but the log and its streams.</summary>
internal static class LogApp
{
    /// <param name="connectionString">Null if the log is in memory.</param>
    /// <param name="before">Adds services before the log.</param>
    public static WebApplication Build(string? connectionString, Action<IServiceCollection>? before = null)
    {
        var builder = WebApplication.CreateBuilder([
            "--urls",
            "http://127.0.0.1:0",
            "--environment",
            "Production",
            "--Logging:LogLevel:Default",
            "Warning",
            "--ConnectionStrings:eventstore",
            connectionString ?? "",
        ]);
        before?.Invoke(builder.Services);

        if (connectionString is null)
            builder.AddInMemoryEventLog();
        else
            builder.AddEventStore();

        builder.AddSse();
        if (connectionString is not null)
            builder.AddSseRuns();

        return builder.Build();
    }

    public static async Task<WebApplication> StartAsync(string? connectionString)
    {
        var app = Build(connectionString);
        await app.EnsureSchemaAsync(TestContext.Current.CancellationToken);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    public static IEventLog Log(this WebApplication app) => app.Services.GetRequiredService<IEventLog>();

    public static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        await using var command = store.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
