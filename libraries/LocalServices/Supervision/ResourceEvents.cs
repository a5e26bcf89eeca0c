using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace LocalServices.Supervision;

/// <summary>Changes of resources, for a background service.</summary>
internal static class ResourceEvents
{
    /// <summary>Reports each change of a resource until the AppHost stops, which it does before its services
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
            await foreach (var e in notifications.WatchAsync(stopping.Token))
                observe(e, stopping.Token);
        }
        catch (OperationCanceledException)
        { /* the AppHost stops */
        }
    }
}
