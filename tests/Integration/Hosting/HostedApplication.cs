using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Integration.Hosting;

/// <summary>An application of small shell scripts, run by the real orchestrator.</summary>
internal sealed class HostedApplication(DistributedApplication app) : IAsyncDisposable
{
    public DistributedApplication App => app;
    public ResourceNotificationService States => app.ResourceNotifications;

    /// <summary>The limit of a wait for something that merely takes its time on a busy machine.</summary>
    public static CancellationToken Timeout => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    /// <summary>The limit of a start, which may download missing programs.</summary>
    public static CancellationToken StartTimeout => new CancellationTokenSource(TimeSpan.FromMinutes(5)).Token;

    /// <param name="startsWhole">False if a resource waits for one that never becomes healthy.</param>
    public static async Task<HostedApplication> StartAsync(
        Action<IDistributedApplicationBuilder> compose,
        bool startsWhole = true,
        params string[] args
    )
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The scripts of these tests need a POSIX shell.");
        var builder = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                // The assembly that names the orchestrator's path.
                AssemblyName = typeof(Projects.AppHost).Assembly.GetName().Name,
                Args = ["--DcpPublisher:RandomizePorts=true", .. args],
                DisableDashboard = true,
            }
        );
        compose(builder);

        var app = builder.Build();
        // A start is over when no resource waits for another one any more.
        var start = app.StartAsync(StartTimeout);

        if (startsWhole)
            await start;

        return new HostedApplication(app);
    }

    public Task<ResourceEvent> ReachesAsync(string resource, string state) =>
        States.WaitForResourceAsync(resource, e => e.Snapshot.State?.Text == state, Timeout);

    /// <summary>Waits for the end of a process, whatever its exit code.</summary>
    public Task<ResourceEvent> EndsAsync(string resource) =>
        States.WaitForResourceAsync(resource, e => e.Snapshot.State?.Text is "Exited" or "Finished", Timeout);

    /// <param name="not">The process that it was before.</param>
    public async Task<ResourceEvent> RunsAsync(string resource, int? not = null) =>
        await States.WaitForResourceAsync(
            resource,
            e => e.Snapshot.State?.Text == "Running" && Pid(e) is { } pid && pid != not,
            Timeout
        );

    /// <summary>Runs a command of a resource, as a user of the dashboard does.</summary>
    public async Task CommandAsync(ResourceEvent resource, string command) =>
        Assert.True((await app.ResourceCommands.ExecuteCommandAsync(resource.ResourceId, command, Timeout)).Success);

    public static int? Pid(ResourceEvent change) =>
        change.Snapshot.Properties.FirstOrDefault(p => p.Name == "executable.pid")?.Value as int?;

    /// <summary>The first line that ends so. (The orchestrator's own lines quote whole scripts.)</summary>
    public async Task<LogLine> LogsAsync(ResourceEvent resource, string ending)
    {
        await foreach (
            var lines in app
                .Services.GetRequiredService<ResourceLoggerService>()
                .WatchAsync(resource.ResourceId)
                .WithCancellation(Timeout)
        )
            if (lines.Where(l => l.Content.EndsWith(ending, StringComparison.Ordinal)).Take(1).ToArray() is [var found])
                return found;
        throw new InvalidOperationException("The log ended.");
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}

internal static class Scripts
{
    public static IResourceBuilder<ExecutableResource> AddScript(
        this IDistributedApplicationBuilder builder,
        string name,
        string script
    ) => builder.AddExecutable(name, "sh", Path.GetTempPath(), "-c", script);
}
