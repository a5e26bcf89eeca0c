// Stands in for Aspire.Hosting's ResourceNotificationService: holds
// the state of every resource. Not affiliated with Microsoft.
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

public sealed class ResourceNotificationServiceOptions
{
    public WaitBehavior DefaultWaitBehavior { get; set; }
}

public class ResourceNotificationService
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> _watchers = [];
    private readonly WaitBehavior _defaultWaitBehavior;

    internal ResourceNotificationService(ResourceNotificationServiceOptions options) =>
        _defaultWaitBehavior = options.DefaultWaitBehavior;

    public bool TryGetCurrentState(string resourceId, out ResourceEvent? resourceEvent)
    {
        lock (_gate)
            return _current.TryGetValue(resourceId, out resourceEvent);
    }

    public Task PublishUpdateAsync(
        IResource resource,
        Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory
    )
    {
        foreach (var instance in InstancesOf(resource.Name))
            PublishUpdateAsync(resource, instance.ResourceId, stateFactory);
        return Task.CompletedTask;
    }

    public Task PublishUpdateAsync(
        IResource resource,
        string resourceId,
        Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory
    )
    {
        lock (_gate)
        {
            var old =
                _current.GetValueOrDefault(resourceId)?.Snapshot
                ?? new CustomResourceSnapshot { ResourceType = resource.GetType().Name, Properties = [] };
            var changed = new ResourceEvent(resource, resourceId, stateFactory(old));
            _current[resourceId] = changed;
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(changed);
        }
        return Task.CompletedTask;
    }

    /// <summary>Yields the current states first, then every change.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var (initial, changes) = Subscribe();
        try
        {
            foreach (var e in initial)
                yield return e;
            await foreach (var e in changes.Reader.ReadAllAsync(cancellationToken))
                yield return e;
        }
        finally
        {
            Unsubscribe(changes);
        }
    }

    public Task WaitForResourceAsync(
        string resourceName,
        string? targetState = null,
        CancellationToken cancellationToken = default
    ) => WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(
        string resourceName,
        IEnumerable<string> targetStates,
        CancellationToken cancellationToken = default
    )
    {
        var states = targetStates.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var reached = await WaitForResourceAsync(
            resourceName,
            e => e.Snapshot.State is { } s && states.Contains(s.Text),
            cancellationToken
        );
        return reached.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName,
        Func<ResourceEvent, bool> predicate,
        CancellationToken cancellationToken = default
    )
    {
        await foreach (var e in WatchAsync(cancellationToken))
            if (Is(e, resourceName) && predicate(e))
                return e;
        throw new OperationCanceledException($"The wait for resource '{resourceName}' ended with the application.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName,
        CancellationToken cancellationToken = default
    ) => WaitForResourceHealthyAsync(resourceName, _defaultWaitBehavior, cancellationToken);

    /// <summary>Waits until every replica of the resource is healthy.</summary>
    public Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName,
        WaitBehavior waitBehavior,
        CancellationToken cancellationToken = default
    ) =>
        WaitForAllAsync(
            resourceName,
            e => e.Snapshot.HealthStatus == HealthStatus.Healthy,
            waitBehavior,
            cancellationToken
        );

    public async Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken)
    {
        await Task.WhenAll(
            resource
                .Annotations.OfType<WaitAnnotation>()
                .Select(async wait =>
                {
                    var name = wait.Resource.Name;
                    switch (wait.WaitType)
                    {
                        case WaitType.WaitUntilHealthy:
                            await WaitForResourceHealthyAsync(name, cancellationToken);
                            break;
                        case WaitType.WaitUntilStarted:
                            await WaitForAllAsync(
                                name,
                                e => e.Snapshot.State?.Text == KnownResourceStates.Running,
                                _defaultWaitBehavior,
                                cancellationToken
                            );
                            break;
                        case WaitType.WaitForCompletion:
                            var done = await WaitForAllAsync(
                                name,
                                e => e.Snapshot.IsTerminal,
                                WaitBehavior.WaitOnResourceUnavailable,
                                cancellationToken
                            );
                            if (done.Snapshot.ExitCode != wait.ExitCode)
                                throw new DistributedApplicationException(
                                    $"Resource '{name}' ended with state '{done.Snapshot.State?.Text}' and exit code "
                                        + $"{done.Snapshot.ExitCode?.ToString() ?? "none"}, expected {wait.ExitCode}. "
                                        + "See its console log."
                                );
                            break;
                    }
                })
        );
    }

    internal IReadOnlyList<ResourceEvent> InstancesOf(string resourceName)
    {
        lock (_gate)
            return [.. _current.Values.Where(e => Is(e, resourceName))];
    }

    internal (IReadOnlyList<ResourceEvent> Initial, Channel<ResourceEvent> Changes) Subscribe()
    {
        var changes = Channel.CreateUnbounded<ResourceEvent>(new() { SingleReader = true });
        lock (_gate)
        {
            _watchers.Add(changes);
            return ([.. _current.Values], changes);
        }
    }

    internal void Unsubscribe(Channel<ResourceEvent> changes)
    {
        lock (_gate)
            _watchers.Remove(changes);
    }

    private Task<ResourceEvent> WaitForAllAsync(
        string resourceName,
        Func<ResourceEvent, bool> reached,
        WaitBehavior behavior,
        CancellationToken cancellationToken
    ) =>
        WaitForResourceAsync(
            resourceName,
            e =>
            {
                if (behavior == WaitBehavior.StopOnResourceUnavailable && e.Snapshot.IsTerminal && !reached(e))
                    throw new DistributedApplicationException(
                        $"Stopped waiting for resource '{resourceName}' to become healthy because it is in state "
                            + $"'{e.Snapshot.State!.Text}'."
                    );
                return reached(e) && InstancesOf(resourceName).All(reached);
            },
            cancellationToken
        );

    private static bool Is(ResourceEvent e, string name) =>
        string.Equals(e.Resource.Name, name, StringComparison.OrdinalIgnoreCase)
        || string.Equals(e.ResourceId, name, StringComparison.OrdinalIgnoreCase);
}
