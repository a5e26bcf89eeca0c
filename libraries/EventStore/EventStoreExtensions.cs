using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Postgres event log.</summary>
/// <remarks>Needed at the start of every application that stores events in Postgres.</remarks>
public static class EventStoreExtensions
{
    /// <summary>Adds the event log, its connection pools and the health check <c>sse-store</c>.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="connectionName">Name of the connection string; the start fails without it, unless
    /// <paramref name="configure"/> names a host.</param>
    /// <param name="configure">Changes how the log connects, such as by passwords that expire
    /// (<see cref="NpgsqlDataSourceBuilder.UsePeriodicPasswordProvider"/>) or by certificates. Called once for each of
    /// the log's pools. Settings that the log's SQL needs are set afterwards. An initializer of physical connections
    /// replaces the log's own, which refuses poolers and clears the role's <c>transaction_timeout</c>.</param>
    /// <remarks>The tables must exist: see <see cref="EnsureSchemaAsync"/>. The pools are the log's own: the service
    /// <see cref="NpgsqlDataSource"/> stays the application's. This process then moves no outbox and drops no old
    /// events: a process that calls <c>AddSse</c> without Redis, or <see cref="LeadingExtensions.AddSseBroadcaster"/>,
    /// does both.</remarks>
    /// <exception cref="InvalidOperationException">The application has an event log already.</exception>
    public static TBuilder AddEventStore<TBuilder>(
        this TBuilder builder,
        string connectionName = "eventstore",
        Action<NpgsqlDataSourceBuilder>? configure = null
    )
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.RefuseSecondLog();
        builder
            .Services.AddOptions<EventStoreOptions>()
            .BindConfiguration("AspireSse:EventStore")
            .ValidateAnnotations()
            .ValidateOnStart();
        builder.Services.AddKnownSettings<EventStoreOptions>("EventStore");
        builder.Services.AddStorePools(connectionName, configure);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<StoreMigrator>();
        builder.Services.AddSingleton<StoreClock>();
        builder.Services.AddSingleton<StoreContact>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StoreContact>());
        builder.Services.AddHealthChecks().AddCheck<StoreHealthCheck>("sse-store");

        builder.Services.AddLog();
        builder.Services.AddRuns();
        builder.Services.AddSingleton<ReaderTimes>();
        builder.Services.AddSingleton<TicketConnectionStore>();
        builder.Services.AddSingleton(provider => new LeaderLease(
            provider.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Feed)
        ));
        builder.Services.AddSingleton<RelaySecret>();

        return builder;
    }

    /// <summary>Brings the log's tables and functions up to date, before the application runs or in a deployment step.
    /// If they are up to date, or of a newer version, it only checks that the role may use them.</summary>
    /// <exception cref="StoreUnavailableException">Postgres cannot be reached.</exception>
    /// <exception cref="InvalidOperationException">The role may not change the schema, or may not use it: let a role
    /// that may change it run <see cref="EventStoreSchema.Script"/>. Or there is no such database, the connection
    /// string leads to a pooler, the database's encoding is not UTF8, or the log's tables were emptied.</exception>
    /// <exception cref="NpgsqlException">Postgres refuses: the password is wrong.</exception>
    public static async Task EnsureSchemaAsync(this IHost host, CancellationToken cancellationToken = default)
    {
        // The type of the log does not show where it is stored, because the application may have wrapped it.
        _ = host.Services.GetRequiredService<IEventLog>();
        if (host.Services.GetService<StoreMigrator>() is not { } migrator)
            return; // in memory

        await ReachAsync(host.Services.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Work), cancellationToken);
        await migrator.EnsureAsync(cancellationToken);
    }

    /// <summary>Brings the log's tables and functions to this version as <see cref="EnsureSchemaAsync"/> does. It also
    /// undoes an upgrade: this version's functions replace a newer version's.</summary>
    /// <exception cref="InvalidOperationException">The role may not change the schema, or the database's encoding is
    /// not UTF8.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses. Changes that were committed before
    /// stay.</exception>
    public static Task MigrateSchemaAsync(this IHost host, CancellationToken cancellationToken = default) =>
        host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(cancellationToken);

    /// <summary>Returns the names of this version's migrations that the database never had, which are none after an
    /// upgrade to a newer one. For a deployment step that waits until another one has migrated the database.</summary>
    /// <exception cref="InvalidOperationException">The role may not use the schema.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses the user.</exception>
    public static Task<IReadOnlyList<string>> MissingSchemaAsync(
        this IHost host,
        CancellationToken cancellationToken = default
    ) => host.Services.GetRequiredService<StoreMigrator>().MissingAsync(cancellationToken);

    /// <summary>Connects once, to replace the driver's error, which is the first that a new application shows and does
    /// not say what to do.</summary>
    private static async Task ReachAsync(NpgsqlDataSource store, CancellationToken cancellationToken)
    {
        var address = new NpgsqlConnectionStringBuilder(store.ConnectionString);
        var where = $"(Host={address.Host};Port={address.Port})";
        try
        {
            await using var connection = await store.OpenDirectAsync(cancellationToken);
        }
        catch (NpgsqlException e) when (e is not PostgresException)
        {
            var reason = (e.InnerException ?? e).Message.TrimEnd('.');
            throw new StoreUnavailableException(
                $"Postgres cannot be reached {where}: {reason}. Start it, or correct the application's connection "
                    + "string.",
                e
            );
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            throw new InvalidOperationException(
                $"Postgres has no database '{address.Database}' {where}: create it, as by 'createdb "
                    + $"{address.Database}', or correct the application's connection string.",
                e
            );
        }
    }

    /// <summary>Refuses a second log in one application, because the log's services, streams and health check have no
    /// name.</summary>
    internal static void RefuseSecondLog(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(IEventLog)))
            throw new InvalidOperationException(
                "The application has an event log already, and a process has one: call AddEventStore or "
                    + "AddInMemoryEventLog once. Events of several parts of an application differ by their topics."
            );
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
        services.AddSingleton(provider => new LineageReader(
            provider.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Feed)
        ));
        services.AddSingleton(provider => new TopicReader(
            provider.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Reads),
            provider.GetRequiredService<LineageReader>()
        ));
        services.AddSingleton<TopicDirectory>();
        services.AddSingleton<StoreListener>();
        services.AddSingleton<EventTail>();
        services.AddSingleton<ErasureStore>();
        services.AddSingleton<Retention>();
    }

    private static void AddRuns(this IServiceCollection services)
    {
        services.AddSingleton<RunStore>();
        services.AddSingleton<RunWriterLeases>();
        services.AddSingleton<RequestKeyStore>();
    }

    private static EventReader Reader(IServiceProvider services, string pool) =>
        new(
            services.GetRequiredKeyedService<NpgsqlDataSource>(pool),
            services.GetRequiredService<IOptions<EventStoreOptions>>()
        );
}
