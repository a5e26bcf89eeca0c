using Harness;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Adopter.Callers;

/// <summary>The gateway and streams of an application whose users sign in by all of its schemes.</summary>
internal sealed class CallersApp : IAsyncDisposable
{
    private CallersApp(WebApplication app, string connectionString)
    {
        App = app;
        ConnectionString = connectionString;
        Server = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
    }

    public WebApplication App { get; }
    public Uri Server { get; }
    public string ConnectionString { get; }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <param name="isOpen">True: the gateway takes anybody.</param>
    /// <param name="connectionString">The log, or null for a new one.</param>
    /// <param name="configure">Settings of its streams.</param>
    /// <param name="agents">Settings of its agents.</param>
    /// <param name="services">Services of its own.</param>
    public static async Task<CallersApp> StartAsync(
        bool isOpen = false,
        string? connectionString = null,
        Action<SseOptions>? configure = null,
        Action<LlmGatewayOptions>? agents = null,
        Action<IServiceCollection>? services = null
    )
    {
        connectionString ??= (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString;
        var builder = WebApplication.CreateBuilder([
            "--urls",
            "http://127.0.0.1:0",
            "--environment",
            "Production",
            "--Logging:LogLevel:Default",
            "Warning",
            "--ConnectionStrings:log",
            connectionString,
        ]);
        builder.AddEventStore("log");
        builder.AddSse(configure);
        builder.AddLlmGateway(agents);
        builder.Services.AddSchemes();
        services?.Invoke(builder.Services);

        var app = builder.Build();
        app.MapPost("/sign-in", Schemes.SignIn).AllowAnonymous();
        app.MapSseTickets();
        app.MapGet("/connections", (IConnectionList connections) => connections.ReadAsync()).AllowAnonymous();
        app.MapGet("/orders/{id}/events", (string id) => TypedResults.EventStream($"orders.{id}.>"))
            .RequireAuthorization();
        app.MapGet("/all", () => TypedResults.EventStream([EventTopic.Pattern(">")], format: EventFormat.Envelope))
            .AllowAnonymous();
        app.MapGet("/of/{kind}/{id}", (string kind, string id) => TypedResults.EventStream($"{kind}.{id}"))
            .AllowAnonymous();
        app.MapGet("/each/{kind}", (string kind) => TypedResults.EventStream($"{kind}.>")).AllowAnonymous();
        app.MapGet("/run/{kind}/{id}", (string kind, string id) => TypedResults.RunStream($"{kind}.{id}"))
            .AllowAnonymous();
        app.MapGet("/mixed/{id}", (string id) => TypedResults.EventStream([$"generations.{id}", $">"]))
            .AllowAnonymous();
        app.MapGet("/named/{id}", (string id) => TypedResults.EventStream($"generations.{id}")).AllowAnonymous();
        if (isOpen)
            app.MapLlmGateway().AllowAnonymous();
        else
            app.MapLlmGateway().RequireAuthorization();

        await app.EnsureSchemaAsync(Stop);
        await app.StartAsync(Stop);
        return new CallersApp(app, connectionString);
    }

    /// <summary>A caller without a credential.</summary>
    public HttpClient Anonymous() => new(new RetryingHandler()) { BaseAddress = Server };

    /// <summary>A caller with a token.</summary>
    /// <param name="claims">Its claims beside those of every token.</param>
    public HttpClient WithToken(string scheme, object claims, string issuer = Tokens.Issuer)
    {
        var all = new Dictionary<string, object?>
        {
            ["iss"] = issuer,
            ["aud"] = Tokens.Audience,
            ["exp"] = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds(),
        };
        foreach (var property in claims.GetType().GetProperties())
            all[property.Name] = property.GetValue(claims);

        var client = Anonymous();
        client.DefaultRequestHeaders.Add(Schemes.Header, scheme);
        client.DefaultRequestHeaders.Authorization = new("Bearer", Tokens.Sign(all));
        return client;
    }

    /// <summary>A caller with a key of the application's own.</summary>
    public HttpClient WithKey(string key)
    {
        var client = Anonymous();
        client.DefaultRequestHeaders.Add(Schemes.Header, ApiKeyHandler.Name);
        client.DefaultRequestHeaders.Add(ApiKeyHandler.Header, key);
        return client;
    }

    /// <summary>A caller with a cookie.</summary>
    public async Task<HttpClient> SignedInAsync(string id, string name)
    {
        var client = Anonymous();
        using var answer = await client.PostAsync($"/sign-in?id={id}&name={name}", content: null, Stop);
        answer.EnsureSuccessStatusCode();
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
    }
}
