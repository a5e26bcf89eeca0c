using EventStore;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the metrics of the database's sizes and replication.</summary>
internal static class StoreUsageExtensions
{
    /// <summary>Adds the metrics. One service is enough, because every process that adds the metrics reads the values
    /// itself.</summary>
    public static TBuilder AddStoreUsage<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddHostedService<StoreUsageWatch>();
        return builder;
    }
}
