using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AppHost;

/// <summary>Prints where a service is, as soon as it is there: on free ports nobody could know it but by the
/// dashboard.</summary>
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
            { /* stopped, or it did not start: the dashboard says so */
            }
        }
    }
}
