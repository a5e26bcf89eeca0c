using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace LocalServices.Supervision;

/// <summary>Ends the services of an AppHost before everything else. The orchestrator ends all at once: streams are
/// cut, because their address goes first, and a service waits for the dashboard, which is gone, until it is
/// killed.</summary>
internal sealed class OrderlyEnd(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    IHostApplicationLifetime lifetime
) : BackgroundService, IHostedLifecycleService
{
    private readonly ConcurrentDictionary<string, IResource> _running = new();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        notifications.ObserveAsync(Observe, lifetime, stoppingToken);

    /// <summary>Comes before each service's own stop, that of the orchestrator too.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(
            _running.Keys.Select(id =>
                commands.ExecuteCommandAsync(id, KnownResourceCommands.StopCommand, cancellationToken)
            )
        );

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Not those that wait: the orchestrator does not know them yet, and a command for them takes 15 s to fail.
    private void Observe(ResourceEvent change, CancellationToken stopping)
    {
        if (change.Resource is not ProjectResource)
            return;

        if (change.Snapshot.State?.Text == KnownResourceStates.Running)
            _running[change.ResourceId] = change.Resource;
        else
            _running.TryRemove(change.ResourceId, out _);
    }
}
