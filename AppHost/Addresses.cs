using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AppHost;

/// <summary>Prints a service's address when it is healthy, because
/// on free ports only the dashboard would show it.</summary>
internal static class Addresses
{
    public static IResourceBuilder<ProjectResource> WithAddressPrinted(this IResourceBuilder<ProjectResource> builder)
    {
        builder.ApplicationBuilder.Services.AddSingleton<IHostedService>(services => new Announcement(
            builder,
            services.GetRequiredService<ResourceNotificationService>(),
            services.GetRequiredService<ILogger<DistributedApplication>>()
        ));
        return builder;
    }

    private sealed class Announcement(
        IResourceBuilder<ProjectResource> service,
        ResourceNotificationService notifications,
        ILogger<DistributedApplication> logger
    ) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            try
            {
                await notifications.WaitForResourceHealthyAsync(service.Resource.Name, stoppingToken);
                logger.LogInformation("{Service} is at {Url}", service.Resource.Name, service.GetEndpoint("http").Url);
            }
            catch (Exception e) when (e is OperationCanceledException or DistributedApplicationException)
            { /* stopped, or not started; the dashboard shows it */
            }
        }
    }
}
