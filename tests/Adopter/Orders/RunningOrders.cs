using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;

namespace Adopter.Orders;

/// <summary>The adopter's application in this process, with a database of its own or of another one.</summary>
internal sealed class RunningOrders : IAsyncDisposable
{
    private RunningOrders(WebApplication app, string? connectionString)
    {
        App = app;
        ConnectionString = connectionString ?? "";
        Server = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        Client = new HttpClient { BaseAddress = Server };
    }

    public WebApplication App { get; }
    public string ConnectionString { get; }
    public Uri Server { get; }
    public HttpClient Client { get; }

    public static Task<RunningOrders> StartAsync(string? connectionString = null, params string[] settings) =>
        StartAsync(model: null, connectionString, settings);

    /// <summary>Starts it with a model that answers questions.</summary>
    public static async Task<RunningOrders> StartAsync(
        IChatClient? model,
        string? connectionString = null,
        params string[] settings
    )
    {
        var stop = TestContext.Current.CancellationToken;
        connectionString ??= (await Stores.Shared.CreateMigratedAsync(stop)).ConnectionString;
        return await StartAsync(Build(model, connectionString, settings), connectionString);
    }

    /// <summary>Starts it without a database.</summary>
    public static Task<RunningOrders> StartInMemoryAsync(params string[] settings) =>
        StartAsync(Build(connectionString: null, settings), null);

    private static async Task<RunningOrders> StartAsync(WebApplication app, string? connectionString)
    {
        await app.EnsureSchemaAsync(TestContext.Current.CancellationToken);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new RunningOrders(app, connectionString);
    }

    /// <summary>Builds it as in Production, where a stream needs a policy.</summary>
    public static WebApplication Build(string? connectionString, params string[] settings) =>
        Build(model: null, connectionString, settings);

    public static WebApplication Build(IChatClient? model, string? connectionString, params string[] settings) =>
        OrdersApp.Build(
            [
                "--urls",
                "http://127.0.0.1:0",
                "--environment",
                "Production",
                "--Logging:LogLevel:Default",
                "Warning",
                .. connectionString is null ? (string[])[] : ["--ConnectionStrings:orders", connectionString],
                .. settings,
            ],
            model
        );

    /// <summary>Returns a client with the cookie of a user.</summary>
    public async Task<HttpClient> SignInAsync(string user)
    {
        var client = new HttpClient { BaseAddress = Server };
        using var response = await client.PostAsync(
            $"/sign-in/{user}",
            content: null,
            TestContext.Current.CancellationToken
        );
        response.EnsureSuccessStatusCode();
        return client;
    }

    /// <summary>Changes an order, which appends an event of that type.</summary>
    public async Task ChangeAsync(string id, string state)
    {
        using var response = await Client.PostAsync(
            $"/orders/{id}/{state}",
            content: null,
            TestContext.Current.CancellationToken
        );
        response.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync(CancellationToken.None);
        await App.DisposeAsync();
    }
}
