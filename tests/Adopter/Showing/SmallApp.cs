using Harness;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Adopter.Showing;

/// <summary>A running application in Production with a few endpoints, which logs warnings and errors here.</summary>
internal sealed class SmallApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly WarningLines _lines;

    private SmallApp(WebApplication app, WarningLines lines)
    {
        _app = app;
        _lines = lines;
        Server = new Uri(Addresses(app).First());
        Client = new HttpClient { BaseAddress = Server };
    }

    public Uri Server { get; }
    public HttpClient Client { get; }
    public IServiceProvider Services => _app.Services;
    public IEventLog Log => Services.GetRequiredService<IEventLog>();
    public IConnectionList Connections => Services.GetRequiredService<IConnectionList>();
    public IReadOnlyList<LoggedLine> Lines => _lines.Lines;

    /// <param name="map">Maps the endpoints.</param>
    /// <param name="add">Adds services.</param>
    /// <param name="connectionString">The log's Postgres, or null if the log is in memory.</param>
    /// <param name="settings">Command line arguments.</param>
    public static async Task<SmallApp> StartAsync(
        Action<WebApplication> map,
        Action<WebApplicationBuilder>? add = null,
        string? connectionString = null,
        params string[] settings
    )
    {
        string[] usual = ["--urls", "http://127.0.0.1:0", "--environment", "Production"];
        var builder = WebApplication.CreateBuilder([.. usual, .. settings]);
        var lines = new WarningLines();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddProvider(lines);

        if (connectionString is null)
            builder.AddInMemoryEventLog();
        else
        {
            builder.Configuration["ConnectionStrings:log"] = connectionString;
            builder.AddEventStore("log");
        }

        builder.AddSse(builder.Configuration.GetSection("Sse").Bind);
        add?.Invoke(builder);
        var app = builder.Build();
        map(app);

        if (connectionString is not null)
            await app.EnsureSchemaAsync(TestContext.Current.CancellationToken);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new SmallApp(app, lines);
    }

    public async Task<SseConnection[]> OpenStreamsAsync() => await Connections.ReadAsync().ToArrayAsync();

    public Task StopAsync() => _app.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await StopAsync();
        await _app.DisposeAsync();
    }

    private static ICollection<string> Addresses(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
}
