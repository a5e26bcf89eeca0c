using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds the work that one process at a time does for the event log.</summary>
/// <remarks>Needed if several processes read the log's new events from Redis, rather than each of them from
/// Postgres.</remarks>
public static class LeadingExtensions
{
    /// <summary>Adds the work that one process at a time does under a lease: it sends the log through Redis to all
    /// processes, moves the outbox, and drops old events. Several processes may have it, and another takes over if one
    /// fails.</summary>
    /// <remarks>The event log must have been added before (<see cref="EventStoreExtensions.AddEventStore"/>).</remarks>
    /// <param name="builder">The application's builder.</param>
    /// <param name="redis">Name of the connection string of Redis.</param>
    /// <param name="name">Name of the process in logs and, with a random part, in the lease, or null for its machine's
    /// name and its process id.</param>
    /// <exception cref="InvalidOperationException">No log in Postgres was added before, or a Broadcaster was added
    /// already.</exception>
    public static TBuilder AddSseBroadcaster<TBuilder>(
        this TBuilder builder,
        string redis = "redis",
        string? name = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        if (builder.Services.All(service => service.ServiceType != typeof(RunStore)))
            throw new InvalidOperationException(
                "A Broadcaster needs a log in Postgres: call AddEventStore(…) before AddSseBroadcaster."
            );
        if (builder.Services.Any(service => service.ServiceType == typeof(Relay)))
            throw new InvalidOperationException(
                "The application is a Broadcaster already: call AddSseBroadcaster once."
            );

        builder.AddRelayRedis(redis);
        builder.Services.AddSingleton<RelayMetrics>();
        builder.Services.TryAddSingleton<RelayChannels>();
        builder.Services.AddSingleton<RedisPublisher>();
        builder.Services.AddSingleton<Relay>();
        builder.Services.AddSingleton<ILeaderTask>(services => services.GetRequiredService<Relay>());
        builder.Services.AddLeading(name);

        return builder;
    }
}
