using EventStore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the Postgres event log.</summary>
public static class EventStoreExtensions
{
    /// <summary>
    /// Adds <see cref="EventAppender"/>, <see cref="EventReader"/>, <see cref="EventTail"/> and <see cref="LeaderLease"/> over the
    /// connection string <paramref name="connectionName"/>. Fails at start, by name, where that is missing.
    /// </summary>
    public static TBuilder AddEventStore<TBuilder>(this TBuilder builder, string connectionName = "eventstore") where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddOptions<EventStoreOptions>().BindConfiguration("EventStore").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton(services => DataSource(services, connectionName));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<EventAppender>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EventAppender>());
        builder.Services.AddSingleton<EventReader>();
        builder.Services.AddSingleton<TopicReader>();
        builder.Services.AddSingleton<EventTail>();
        builder.Services.AddSingleton<LeaderLease>();
        builder.Services.AddSingleton<Retention>();
        builder.Services.AddSingleton<StoreMigrator>();
        builder.Services.AddHealthChecks().AddCheck<StoreHealthCheck>("eventstore", timeout: TimeSpan.FromSeconds(3));
        return builder;
    }

    private static NpgsqlDataSource DataSource(IServiceProvider services, string connectionName)
    {
        var text = services.GetRequiredService<IConfiguration>().GetConnectionString(connectionName)
            ?? throw new InvalidOperationException(
                $"The connection string '{connectionName}' is missing: start through the AppHost, or set ConnectionStrings__{connectionName}.");
        var options = services.GetRequiredService<IOptions<EventStoreOptions>>().Value;
        var settings = new NpgsqlConnectionStringBuilder(text)
        {
            CommandTimeout = options.CommandTimeoutSeconds, MaxAutoPrepare = 30, AutoPrepareMinUsages = 2, Timeout = 5, KeepAlive = 10,
            // Nobody leaves anything in a session, and resetting it costs more than most of our statements.
            NoResetOnClose = true,
        };
        // Named, or traces and metrics would carry the connection string.
        return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = connectionName }.Build();
    }
}
