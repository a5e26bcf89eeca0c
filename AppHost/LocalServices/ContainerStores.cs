using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace AppHost.LocalServices;

internal static class ContainerStores
{
    public static IResourceBuilder<IResourceWithConnectionString> AddEventStore(IDistributedApplicationBuilder builder, LocalServicesOptions options)
    {
        var postgres = builder.AddPostgres("postgres");
        return (options.Ephemeral ? postgres : postgres.WithDataVolume()).AddDatabase("eventstore");
    }

    /// <summary>Without a volume: Redis holds nothing that Postgres does not.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddRedis(IDistributedApplicationBuilder builder) => builder.AddRedis("redis");
}
