using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>A background service that stops after all other services, which need it until they have stopped, also if
/// the host stops services concurrently (<see cref="HostOptions.ServicesStopConcurrently"/>).</summary>
internal abstract class LateStoppingService(ILogger logger, TimeProvider clock)
    : RestartingService(logger, clock),
        IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public sealed override Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public virtual Task StoppedAsync(CancellationToken cancellationToken) => base.StopAsync(cancellationToken);
}
