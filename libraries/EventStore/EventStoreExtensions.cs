using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Postgres event log.</summary>
public static class EventStoreExtensions
{
    /// <summary>Adds the event log, its connection pools and the health check <c>sse-store</c>.</summary>
    /// <param name="connectionName">Name of the connection string; the start fails without it.</param>
    /// <remarks>The tables must exist: see <see cref="StoreMigrator"/>.</remarks>
    public static TBuilder AddEventStore<TBuilder>(this TBuilder builder, string connectionName = "eventstore")
        where TBuilder : IHostApplicationBuilder
    {
        builder
            .Services.AddOptions<EventStoreOptions>()
            .BindConfiguration("AspireSse:EventStore")
            .ValidateAnnotations()
            .ValidateOnStart();
        builder.Services.AddFormerSection<EventStoreOptions>("EventStore");
        builder.Services.AddStorePools(connectionName);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<StoreMigrator>();
        builder.Services.AddSingleton<StoreClock>();
        builder.Services.AddSingleton<StoreContact>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StoreContact>());
        builder.Services.AddHealthChecks().AddCheck<StoreHealthCheck>("sse-store");

        builder.Services.AddLog();
        builder.Services.AddRuns();
        builder.Services.AddSingleton<ReplicaStateStore>();
        builder.Services.AddSingleton<TopicPresence>();
        builder.Services.AddSingleton<TicketConnectionStore>();
        builder.Services.AddSingleton<LeaderLease>();
        builder.Services.AddSingleton<RelaySecret>();

        return builder;
    }

    /// <summary>Brings the log's tables and functions up to date (<see cref="StoreMigrator"/>); call it before the
    /// application runs, or in a deployment step of its own.</summary>
    /// <exception cref="StoreUnavailableException">Postgres cannot be reached.</exception>
    /// <exception cref="NpgsqlException">Postgres refuses: there is no such database, or the user lacks
    /// rights.</exception>
    public static async Task EnsureSchemaAsync(this IHost host, CancellationToken cancellationToken = default)
    {
        if (host.Services.GetRequiredService<IEventLog>() is not StoredEventLog)
            return; // in memory

        await ReachAsync(host.Services.GetRequiredService<NpgsqlDataSource>(), cancellationToken);
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);
    }

    /// <summary>Connects once, because the driver's error does not say what to do, and is the first that a new
    /// application shows.</summary>
    private static async Task ReachAsync(NpgsqlDataSource store, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await store.OpenConnectionAsync(cancellationToken);
        }
        catch (NpgsqlException e) when (e is not PostgresException)
        {
            var address = new NpgsqlConnectionStringBuilder(store.ConnectionString);
            var reason = (e.InnerException ?? e).Message.TrimEnd('.');
            throw new StoreUnavailableException(
                $"Postgres cannot be reached (Host={address.Host};Port={address.Port}): {reason}. Start it, or correct "
                    + "the application's connection string.",
                e
            );
        }
    }

    private static void AddLog(this IServiceCollection services)
    {
        services.AddSingleton<EventAppender>();
        services.AddHostedService(provider => provider.GetRequiredService<EventAppender>());
        services.AddSingleton(provider => Reader(provider, StorePool.Feed));
        services.AddSingleton<ILogReader>(provider => provider.GetRequiredService<EventReader>());
        services.AddKeyedSingleton<ILogReader>(StorePool.Replays, (provider, pool) => Reader(provider, (string)pool));
        services.AddKeyedSingleton(StorePool.Reads, (provider, pool) => Reader(provider, (string)pool));

        services.AddSingleton<IEventLog, StoredEventLog>();
        services.AddSingleton<LineageReader>();
        services.AddSingleton<TopicReader>();
        services.AddSingleton<TopicDirectory>();
        services.AddSingleton<EventTail>();
        services.AddSingleton<Retention>();
    }

    private static void AddRuns(this IServiceCollection services)
    {
        services.AddSingleton<RunReader>();
        services.AddSingleton<RunRegistry>();
        services.AddSingleton<RunWriterLeases>();
        services.AddSingleton<RequestKeyStore>();
    }

    private static EventReader Reader(IServiceProvider services, string pool) =>
        new(
            services.GetRequiredKeyedService<NpgsqlDataSource>(pool),
            services.GetRequiredService<IOptions<EventStoreOptions>>()
        );
}
