using Aspire.Hosting.ApplicationModel;
using LocalServices;
using LocalServices.Supervision;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

/// <summary>Adds Postgres and Redis to an AppHost, and the event log's schema.</summary>
/// <remarks>Needed in an AppHost whose services use the event log, for development and tests.</remarks>
public static class LocalStoresExtensions
{
    /// <summary>Adds Postgres and Redis, each from the first source that there is: your own server
    /// (<c>ConnectionStrings:eventstore</c>, <c>ConnectionStrings:redis</c>), a container if a container runtime
    /// answers, or a process of this machine. Data are kept in <c>.local/data</c> beside the AppHost's folder, except
    /// with <c>--LocalServices:Ephemeral=true</c>.</summary>
    public static LocalStores AddLocalStores(this IDistributedApplicationBuilder builder)
    {
        // The AppHost ends after its processes. Otherwise the next start finds their ports in use.
        builder.Configuration["DcpPublisher:WaitForResourceCleanup"] ??= "true";
        builder.Services.AddObserver<OrderlyEnd>();

        try
        {
            return StoreChoice.Of(builder);
        }
        catch (Exception exception)
            when (exception is LocalServicesException or IOException or UnauthorizedAccessException)
        {
            builder.EndAtTerminal(
                exception is LocalServicesException
                    ? exception.Message
                    : $"Postgres and Redis could not be prepared: {exception.Message} Check the space and the owner of "
                        + ".local/ beside the AppHost's folder, or use your own servers: ConnectionStrings:eventstore "
                        + "and ConnectionStrings:redis."
            );
            throw;
        }
    }

    /// <summary>Brings the event log's tables and functions up to date once Postgres answers. Resources that wait for
    /// Postgres start afterwards, so no service has to update the schema.</summary>
    public static IResourceBuilder<T> WithEventStoreSchema<T>(this IResourceBuilder<T> eventStore)
        where T : IResourceWithConnectionString =>
        eventStore.OnResourceReady(
            async (resource, ready, cancellationToken) =>
            {
                var host = Host.CreateEmptyApplicationBuilder(null);
                host.Configuration["ConnectionStrings:eventstore"] = await resource.GetConnectionStringAsync(
                    cancellationToken
                );
                host.Services.AddSingleton(ready.Services.GetRequiredService<ILoggerFactory>());
                host.AddEventStore();

                using var store = host.Build();
                await store.EnsureSchemaAsync(cancellationToken);
            }
        );
}
