using EventStore;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds the work that one process at a time does for the event log.</summary>
public static class LeadingExtensions
{
    /// <summary>Adds what one of the processes does at a time, under a lease: it sends the log through Redis to all of
    /// them, moves the outbox, and drops old events. Any process may have it; several replace one another.</summary>
    /// <remarks>The event log must have been added before (<see cref="EventStoreExtensions.AddEventStore"/>).</remarks>
    /// <param name="builder">The application's builder.</param>
    /// <param name="redis">Name of the connection string of Redis.</param>
    /// <param name="name">The process in logs, and in the lease with a random part, or null for its machine and
    /// number.</param>
    /// <exception cref="InvalidOperationException">No log in Postgres was added, or the Broadcaster
    /// was.</exception>
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
        builder.Services.AddSingleton<RedisPublisher>();
        builder.Services.AddSingleton<Relay>();
        builder.Services.AddSingleton<ILeaderTask>(services => services.GetRequiredService<Relay>());
        builder.Services.AddLeading(name);

        return builder;
    }
}
