using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// Names of the connection pools. Each kind of work has connections of its own (a bulkhead): one that is exhausted
/// takes nothing from the
/// others. An <see cref="NpgsqlDataSource"/> without a key is for the features' own transactions.
/// </summary>
public static class StorePool
{
    /// <summary>Appends of published events.</summary>
    public const string Appends = "appends";

    /// <summary>The system's own upkeep: live feed, notifications, leases, heartbeats.</summary>
    public const string Feed = "feed";

    /// <summary>Reads for streams that lag behind the memory.</summary>
    public const string Replays = "replays";

    /// <summary>Reads that clients ask for.</summary>
    public const string Reads = "reads";

    private const string Work = "work";

    /// <summary>
    /// Plans of a read never depend on statistics: rows come by an index, in its order, or the read would not be
    /// bounded. One plan a session:
    /// planning anew costs more than the read itself, and more with each partition.
    /// </summary>
    private const string IndexesOnly =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

    internal static void AddStorePools(this IServiceCollection services, string connectionName)
    {
        services.AddSingleton(provider => Open(provider, connectionName, Work, o => o.WorkConnections));
        services.AddKeyedSingleton(Appends, (provider, _) => Open(provider, connectionName, Appends, _ => 4));
        services.AddKeyedSingleton(Feed, (provider, _) => Open(provider, connectionName, Feed, _ => 20));
        services.AddKeyedSingleton(
            Replays,
            (provider, _) => Open(provider, connectionName, Replays, o => o.ReplayConnections, IndexesOnly)
        );
        // Twice: what opens a stream reads too, and does not wait for a turn.
        services.AddKeyedSingleton(
            Reads,
            (provider, _) => Open(provider, connectionName, Reads, o => 2 * o.ReadConnections, IndexesOnly)
        );
    }

    private static NpgsqlDataSource Open(
        IServiceProvider services,
        string connectionName,
        string pool,
        Func<EventStoreOptions, int> connections,
        string settings = ""
    )
    {
        var text =
            services.GetRequiredService<IConfiguration>().GetConnectionString(connectionName)
            ?? throw new InvalidOperationException(
                $"The connection string '{connectionName}' is missing: start through the AppHost, or set ConnectionStrings__{connectionName}."
            );
        var options = services.GetRequiredService<IOptions<EventStoreOptions>>().Value;
        var builder = new NpgsqlConnectionStringBuilder(text)
        {
            CommandTimeout = options.CommandTimeoutSeconds,
            MaxAutoPrepare = 30,
            AutoPrepareMinUsages = 2,
            Timeout = 5,
            KeepAlive = 10,
            MaxPoolSize = connections(options),
            MinPoolSize = 0,
            // Nobody leaves anything in a session, and resetting it costs more than most of our statements.
            NoResetOnClose = true,
        };
        // The server gives up too, a little later than the client, which may be gone without a word. Compiling a plan
        // (jit) takes longer
        // than any of our statements.
        builder.Options =
            $"{builder.Options} -c statement_timeout={(options.CommandTimeoutSeconds + 1) * 1_000} -c client_connection_check_interval=2000"
            + $" -c idle_in_transaction_session_timeout={(options.CommandTimeoutSeconds + 1) * 1_000} -c jit=off{settings}";
        // Named, or traces and metrics would carry the connection string.
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = $"{connectionName}-{pool}" }.Build();
    }
}
