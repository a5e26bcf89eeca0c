using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Stack;

/// <summary>The whole system, started by the AppHost: its own Postgres and Redis in a temporary folder, on free ports,
/// so that it can run beside another stack.</summary>
public sealed class StackFixture : IAsyncLifetime
{
    // The first start downloads missing programs.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(12);

    /// <summary>The dashboard's address that pages link to; a test has no dashboard.</summary>
    public const string Dashboard = "http://dashboard.test";

    /// <summary>True for a stack with Aspire's dashboard; tests have none.</summary>
    public bool HasDashboard { get; init; }

    public DistributedApplication App { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        using var limit = new CancellationTokenSource(StartLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--LocalServices:Ephemeral=true", .. HasDashboard ? (string[])[] : [$"--Dashboard:Url={Dashboard}"]],
            (options, _) => options.DisableDashboard = !HasDashboard,
            limit.Token
        );
        builder.Services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Warning));
        // Turns the demo traffic off, so that a test sees only its own events.
        builder
            .CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(r => r.Name == "streamapi"))
            .WithEnvironment("Traffic__Enabled", "false");
        App = await builder.BuildAsync(limit.Token);
        await App.StartAsync(limit.Token);

        foreach (var service in (string[])["streamapi", "broadcaster", "webfrontend"])
            await App.ResourceNotifications.WaitForResourceHealthyAsync(service, limit.Token);
    }

    /// <summary>Returns the address of a resource for a user of the stack.</summary>
    public Uri Address(string resource, string endpoint = "http") => App.GetEndpoint(resource, endpoint);

    public async ValueTask DisposeAsync()
    {
        if (App is not null)
            await App.DisposeAsync();
    }
}
