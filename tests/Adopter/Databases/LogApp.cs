using Npgsql;

namespace Adopter.Databases;

/// <summary>An application with an event log in a database of its own.</summary>
internal sealed class LogApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LogApp(WebApplication app) => _app = app;

    public IServiceProvider Services => _app.Services;
    public Uri Server => new(_app.Urls.First());

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <param name="log">The connection string <c>log</c>, or null if there is none.</param>
    /// <param name="settings">Keys and values.</param>
    public static WebApplicationBuilder Builder(string? log, params string[] settings) =>
        WebApplication.CreateBuilder([
            "--urls",
            "http://127.0.0.1:0",
            "--environment",
            "Production",
            "--Logging:LogLevel:Default",
            "Warning",
            .. log is null ? (string[])[] : ["--ConnectionStrings:log", log],
            .. settings,
        ]);

    public static async Task<LogApp> StartAsync(
        WebApplicationBuilder builder,
        Action<WebApplication>? map = null,
        bool ensuresSchema = true
    )
    {
        var app = builder.Build();
        map?.Invoke(app);
        if (ensuresSchema)
            await app.EnsureSchemaAsync(Stop);
        await app.StartAsync(Stop);
        return new LogApp(app);
    }

    public Task<AppendedEvent> AppendAsync(string id) =>
        Services.GetRequiredService<IEventLog>().AppendAsync($"orders.{id}", "paid", id, cancellationToken: Stop);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}

/// <summary>Questions to a database, whose answer is one value as text.</summary>
internal static class DatabaseQuestions
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Creates a database without the schema, and returns its connection string.</summary>
    public static async Task<string> CreateDatabaseAsync() =>
        (await Stores.Shared.CreateDatabaseAsync(Stop)).ConnectionString;

    public static async Task<string?> AskAsync(string connectionString, string sql)
    {
        await using var store = NpgsqlDataSource.Create(connectionString);
        return await store.AskAsync(sql);
    }

    public static async Task<string?> AskAsync(this NpgsqlDataSource store, string sql)
    {
        await using var command = store.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Stop) is { } value and not DBNull ? value.ToString() : null;
    }
}
