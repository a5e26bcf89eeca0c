using Aspire.Hosting;
using Harness.Worlds;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stack;

/// <summary>Postgres and Redis as the AppHost adds them, once for a test assembly: empty, on free ports, so that they
/// can run beside another stack.</summary>
public sealed class StoresFixture : IAsyncLifetime
{
    // The first start downloads missing programs.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(12);

    private DistributedApplication? _app;

    public async ValueTask InitializeAsync()
    {
        TestEnvironment.Set();
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                // The assembly that names the orchestrator's path.
                AssemblyName = typeof(Projects.AppHost).Assembly.GetName().Name,
                ProjectDirectory = Projects.AppHost.ProjectPath,
                Args = ["--LocalServices:Ephemeral=true", "--DcpPublisher:RandomizePorts=true"],
                DisableDashboard = true,
            }
        );

        // The runner reads the results of the tests from the same output.
        builder.Services.AddLogging(logging => logging.AddFilter("Aspire.Hosting", LogLevel.Warning));
        var stores = builder.AddLocalStores();

        _app = builder.Build();
        await _app.StartAsync(limit.Token);

        foreach (var store in new[] { stores.EventStore, stores.Redis })
            await _app.ResourceNotifications.WaitForResourceHealthyAsync(store.Resource.Name, limit.Token);

        Stores.Shared = new Stores(
            (await stores.EventStore.Resource.GetConnectionStringAsync(limit.Token))!,
            (await stores.Redis.Resource.GetConnectionStringAsync(limit.Token))!
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}
