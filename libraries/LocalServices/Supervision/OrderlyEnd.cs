using System.Collections.Concurrent;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace LocalServices.Supervision;

/// <summary>Ends the services of an AppHost before its other resources. The orchestrator would end all at once: streams
/// are cut, because their address ends first, and a service waits for the dashboard, which has ended, until it is
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

    /// <summary>Runs before the host stops any hosted service, the orchestrator included.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(
            _running.Keys.Select(id =>
                commands.ExecuteCommandAsync(id, KnownResourceCommands.StopCommand, cancellationToken)
            )
        );

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Waiting resources are left out: the orchestrator does not know them yet, and a command for one takes 15 s to
    // fail.
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
