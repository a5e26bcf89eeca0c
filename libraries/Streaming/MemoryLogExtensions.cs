using EventStore;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Streaming.Feed;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds a log for tests of an application without its Postgres.</summary>
/// <remarks>Needed by tests of an application that run without Postgres.</remarks>
public static class MemoryLogExtensions
{
    /// <summary>Adds a log in memory, instead of <see cref="EventStoreExtensions.AddEventStore"/>: nothing survives the
    /// process or leaves it, and there are no tickets. Events that a context publishes are in it after their
    /// commit.</summary>
    public static TBuilder AddInMemoryEventLog<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.RefuseSecondLog();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<StoreClock>();
        builder.Services.AddSingleton<MemoryLog>();
        builder.Services.AddSingleton<IEventLog>(provider => provider.GetRequiredService<MemoryLog>());
        builder.Services.AddSingleton<IFeedStore>(provider => provider.GetRequiredService<MemoryLog>());
        builder.Services.AddSingleton<ILogReader>(provider => provider.GetRequiredService<MemoryLog>());
        builder.Services.AddKeyedSingleton<ILogReader>(
            StorePool.Replays,
            (provider, _) => provider.GetRequiredService<MemoryLog>()
        );

        return builder;
    }
}
