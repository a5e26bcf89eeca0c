// Stands in for Aspire.Hosting's eventing. Not affiliated with Microsoft or the .NET Foundation.
namespace Aspire.Hosting.Eventing
{
    public interface IDistributedApplicationEvent;

    public interface IDistributedApplicationResourceEvent : IDistributedApplicationEvent
    {
        IResource Resource { get; }
    }

    public class DistributedApplicationEventSubscription(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
    {
        public Func<IDistributedApplicationEvent, CancellationToken, Task> Callback { get; } = callback;
    }

    public interface IDistributedApplicationEventing
    {
        DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationEvent;
        DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationResourceEvent;
        Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent;
    }

    public class DistributedApplicationEventing : IDistributedApplicationEventing
    {
        private readonly List<DistributedApplicationEventSubscription> _subscriptions = [];

        public DistributedApplicationEventSubscription Subscribe<T>(Func<T, CancellationToken, Task> callback) where T : IDistributedApplicationEvent =>
            Add((e, ct) => e is T wanted ? callback(wanted, ct) : Task.CompletedTask);

        public DistributedApplicationEventSubscription Subscribe<T>(IResource resource, Func<T, CancellationToken, Task> callback)
            where T : IDistributedApplicationResourceEvent =>
            Add((e, ct) => e is T wanted && wanted.Resource == resource ? callback(wanted, ct) : Task.CompletedTask);

        public async Task PublishAsync<T>(T @event, CancellationToken cancellationToken = default) where T : IDistributedApplicationEvent
        {
            foreach (var subscription in _subscriptions.ToArray()) await subscription.Callback(@event, cancellationToken);
        }

        private DistributedApplicationEventSubscription Add(Func<IDistributedApplicationEvent, CancellationToken, Task> callback)
        {
            var subscription = new DistributedApplicationEventSubscription(callback);
            _subscriptions.Add(subscription);
            return subscription;
        }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    public class BeforeStartEvent(IServiceProvider services, DistributedApplicationModel model) : Eventing.IDistributedApplicationEvent
    {
        public IServiceProvider Services { get; } = services;
        public DistributedApplicationModel Model { get; } = model;
    }

    public class BeforeResourceStartedEvent(IResource resource, IServiceProvider services) : Eventing.IDistributedApplicationResourceEvent
    {
        public IResource Resource { get; } = resource;
        public IServiceProvider Services { get; } = services;
    }
}

namespace Aspire.Hosting
{
    public static class DistributedApplicationEventingExtensions
    {
        public static IResourceBuilder<T> OnBeforeResourceStarted<T>(
            this IResourceBuilder<T> builder, Func<T, BeforeResourceStartedEvent, CancellationToken, Task> callback) where T : IResource
        {
            builder.ApplicationBuilder.Eventing.Subscribe<BeforeResourceStartedEvent>(builder.Resource, (e, ct) => callback(builder.Resource, e, ct));
            return builder;
        }
    }
}
