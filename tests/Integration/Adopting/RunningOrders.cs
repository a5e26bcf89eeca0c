using Adopter;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Adopting;

/// <summary>The adopter's application in this process, with a database of its own or of another one.</summary>
internal sealed class RunningOrders : IAsyncDisposable
{
    private RunningOrders(WebApplication app, string connectionString)
    {
        App = app;
        ConnectionString = connectionString;
        Server = new Uri(
            app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()
        );
        Client = new HttpClient { BaseAddress = Server };
    }

    public WebApplication App { get; }
    public string ConnectionString { get; }
    public Uri Server { get; }
    public HttpClient Client { get; }

    public static async Task<RunningOrders> StartAsync(string? connectionString = null, params string[] settings)
    {
        var stop = TestContext.Current.CancellationToken;
        connectionString ??= (await Stores.Shared.CreateMigratedAsync(stop)).ConnectionString;
        var app = Build(connectionString, settings);
        await app.StartAsync(stop);
        return new RunningOrders(app, connectionString);
    }

    /// <summary>Builds it as in Production, where a stream needs a policy.</summary>
    public static WebApplication Build(string connectionString, params string[] settings) =>
        OrdersApp.Build([
            "--urls",
            "http://127.0.0.1:0",
            "--environment",
            "Production",
            "--ConnectionStrings:orders",
            connectionString,
            "--Logging:LogLevel:Default",
            "Warning",
            .. settings,
        ]);

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
