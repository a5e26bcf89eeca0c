using EventStore;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the metrics of the database's sizes and replication.</summary>
internal static class StoreUsageExtensions
{
    /// <summary>Adds the metrics. One service is enough; every process that adds them reads for itself.</summary>
    public static TBuilder AddStoreUsage<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHostedService<StoreUsageWatch>();
        return builder;
    }
}
