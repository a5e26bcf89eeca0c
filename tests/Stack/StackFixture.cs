using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Stack;

/// <summary>
/// The whole system, started once for a test assembly by the AppHost itself: real Postgres and Redis of its own in a
/// temporary folder, on
/// free ports, so that it runs beside any other stack of this machine.
/// </summary>
public sealed class StackFixture : IAsyncLifetime
{
    // the first start fetches what the machine lacks
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(5);

    /// <summary>There is no dashboard in a test; the pages link to this one.</summary>
    public const string Dashboard = "http://dashboard.test";

    private StackLock? _lock;

    public DistributedApplication App { get; private set; } = null!;
    public string EventStore { get; private set; } = "";
    public string Redis { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        // Another assembly's tests take as long as they take; the limit is for the start.
        _lock = await StackLock.TakeAsync(CancellationToken.None);
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--LocalServices:Ephemeral=true", $"--Dashboard:Url={Dashboard}"],
            limit.Token
        );
        builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        // A test sees only what it did itself.
        builder
            .CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(r => r.Name == "streamapi"))
            .WithEnvironment("Traffic__Enabled", "false");
        App = await builder.BuildAsync(limit.Token);
        await App.StartAsync(limit.Token);
        foreach (var service in (string[])["streamapi", "broadcaster", "webfrontend"])
            await App.ResourceNotifications.WaitForResourceHealthyAsync(service, limit.Token);
        EventStore =
            await App.GetConnectionStringAsync("eventstore", limit.Token)
            ?? throw new InvalidOperationException("No connection string for the event store.");
        Redis =
            await App.GetConnectionStringAsync("redis", limit.Token)
            ?? throw new InvalidOperationException("No connection string for Redis.");
    }

    /// <summary>An address of the stack, as a user of it would have.</summary>
    public Uri Address(string resource, string endpoint = "http") => App.GetEndpoint(resource, endpoint);

    /// <summary>Creates a database on the stack's Postgres, as a copy of the template; its connection string.</summary>
    public async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync(
        CancellationToken cancellationToken,
        string template = "template1"
    )
    {
        var name = $"test_{Guid.NewGuid():N}";
        await using var source = NpgsqlDataSource.Create(EventStore);
        await using (var create = source.CreateCommand($"create database {name} template {template}"))
            await create.ExecuteNonQueryAsync(cancellationToken);
        return new NpgsqlConnectionStringBuilder(EventStore) { Database = name };
    }

    public async ValueTask DisposeAsync()
    {
        if (App is not null)
            await App.DisposeAsync();
        _lock?.Dispose();
    }
}
