using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Keys of the connection pools (<see cref="NpgsqlDataSource"/>): each kind of work has its own, so an
/// exhausted one does not affect the others. The service without a key is for the features' own transactions.</summary>
internal static class StorePool
{
    public const string Appends = "appends";

    /// <summary>The system's own work: live feed, notifications, leases, heartbeats.</summary>
    public const string Feed = "feed";

    /// <summary>Reads for streams that lag so far that memory no longer has their events.</summary>
    public const string Replays = "replays";

    /// <summary>Reads for clients' requests: history, topics, state.</summary>
    public const string Reads = "reads";

    private const string Work = "work";

    /// <summary>Settings for reads: rows come by an index and in its order, or a read would not be bounded. Each
    /// session plans a read once, since planning costs more than the read, and more per partition.</summary>
    private const string IndexesOnly =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off"
        + " -c enable_hashjoin=off -c enable_mergejoin=off -c enable_sort=off";

    /// <summary>Makes the sessions of the features' transactions call <see cref="Outbox.WakeAsync"/>.</summary>
    private const string WakesRelay = " -c eventstore.wakes_relay=itself";

    internal static void AddStorePools(this IServiceCollection services, string connectionName)
    {
        services.AddSingleton<StoreHosts>();
        services.AddSingleton(provider => Open(provider, connectionName, Work, o => o.WorkConnections, WakesRelay));
        // One is used at a time; an append without an answer keeps its own until Postgres gives one.
        services.AddKeyedSingleton(Appends, (provider, _) => Open(provider, connectionName, Appends, _ => 8));
        services.AddKeyedSingleton(Feed, (provider, _) => Open(provider, connectionName, Feed, _ => 20));
        services.AddKeyedSingleton(
            Replays,
            (provider, _) => Open(provider, connectionName, Replays, o => o.ReplayConnections, IndexesOnly)
        );

        // Twice as many: opening a stream reads too, and does not wait for its turn.
        services.AddKeyedSingleton(
            Reads,
            (provider, _) => Open(provider, connectionName, Reads, o => 2 * o.ReadConnections, IndexesOnly)
        );
    }

    /// <summary>Closes the idle connections, which may be broken, and looks for the primary again.</summary>
    internal static void ClearStorePools(this IServiceProvider services)
    {
        services.GetRequiredService<NpgsqlDataSource>().Clear();
        foreach (var pool in (string[])[Appends, Feed, Replays, Reads])
            services.GetRequiredKeyedService<NpgsqlDataSource>(pool).Clear();
        services.GetRequiredService<StoreHosts>().Forget();
    }

    private static NpgsqlDataSource Open(
        IServiceProvider services,
        string connectionName,
        string pool,
        Func<EventStoreOptions, int> connections,
        string settings = ""
    )
    {
        var text = services.GetRequiredService<IConfiguration>().GetConnectionString(connectionName);
        if (string.IsNullOrWhiteSpace(text))
            throw new InvalidOperationException(
                $"The connection string '{connectionName}' is missing or empty. Start through the AppHost, or set "
                    + $"ConnectionStrings__{connectionName}."
            );

        var options = services.GetRequiredService<IOptions<EventStoreOptions>>().Value;
        var builder = new NpgsqlConnectionStringBuilder(text)
        {
            CommandTimeout = options.CommandTimeoutSeconds,
            MaxAutoPrepare = 30,
            AutoPrepareMinUsages = 2,
            Timeout = 5,
            KeepAlive = 10,
            // While a command runs, too: a peer that vanished after the request's arrival would never answer.
            TcpKeepAlive = true,
            TcpKeepAliveTime = 10,
            TcpKeepAliveInterval = 5,
            MaxPoolSize = connections(options),
            MinPoolSize = 0,
            // No code leaves settings in a session, and a reset costs more than most of our statements.
            NoResetOnClose = true,
        };
        // Npgsql tries Kerberos's encryption first, whose library small images lack.
        if (
            !builder.ShouldSerialize("GSS Encryption Mode")
            && Environment.GetEnvironmentVariable("PGGSSENCMODE") is not { Length: > 0 }
        )
            builder.GssEncryptionMode = GssEncryptionMode.Disable;

        // Postgres gives up a second later than the client, which may have vanished: a session without a statement
        // would keep its locks for hours. Compiling a plan (jit) takes longer than any of our statements.
        var timeout = (options.CommandTimeoutSeconds + 1) * 1_000;
        builder.Options =
            $"{builder.Options} -c statement_timeout={timeout} -c idle_in_transaction_session_timeout={timeout}"
            + " -c client_connection_check_interval=2000 -c tcp_user_timeout=20000 -c tcp_keepalives_idle=15"
            + $" -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c jit=off{settings}";

        return services.GetRequiredService<StoreHosts>().Build(builder, $"{connectionName}-{pool}");
    }
}
