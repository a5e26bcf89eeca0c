using EventStore;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace AspireSse.Server;

/// <summary>Adds connections for tables beside the log.</summary>
/// <remarks>Needed by a host that has its own tables in the log's database and no Entity Framework.</remarks>
public static class EventStorePoolExtensions
{
    /// <summary>Adds a pool of connections to the log's database for the application's own tables, a keyed
    /// <see cref="NpgsqlDataSource"/>. Its sessions have the settings of the log's own sessions, and recover from an
    /// outage in the same way.</summary>
    /// <param name="builder">The application's builder.</param>
    /// <param name="key">The service's key.</param>
    /// <param name="connections">Maximum connections of each process.</param>
    /// <param name="indexesOnly">True for reads whose rows must come by an index and in its order, whatever the
    /// statistics are.</param>
    /// <remarks>The application's SQL must name the schema of every table, leave no setting in its session, and take no
    /// longer than <see cref="EventStoreOptions.CommandTimeoutSeconds"/>.</remarks>
    public static TBuilder AddEventStorePool<TBuilder>(
        this TBuilder builder,
        string key,
        int connections,
        bool indexesOnly = false
    )
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddStorePool(key, _ => connections, indexesOnly ? StorePool.IndexesOnly : "");
        return builder;
    }
}
