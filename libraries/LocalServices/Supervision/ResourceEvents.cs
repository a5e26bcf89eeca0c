using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LocalServices.Supervision;

/// <summary>Changes of resources, for a background service.</summary>
internal static class ResourceEvents
{
    /// <summary>Adds a background service once, before all others: the orchestrator's start lasts until no resource
    /// waits any more, and until then the host starts no service after it.</summary>
    public static void AddObserver<T>(this IServiceCollection services)
        where T : BackgroundService
    {
        if (!services.Any(service => service.ImplementationType == typeof(T)))
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, T>());
    }

    /// <summary>Reports each change of a resource until the AppHost begins to stop, which is before its services
    /// stop.</summary>
    public static async Task ObserveAsync(
        this ResourceNotificationService notifications,
        Action<ResourceEvent, CancellationToken> observe,
        IHostApplicationLifetime lifetime,
        CancellationToken stoppingToken
    )
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(
            stoppingToken,
            lifetime.ApplicationStopping
        );
        try
        {
            await foreach (var change in notifications.WatchAsync(stopping.Token))
                observe(change, stopping.Token);
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }
}
