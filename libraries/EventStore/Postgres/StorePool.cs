using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Keys of the connection pools (<see cref="NpgsqlDataSource"/>): each kind of work has its own pool, so an
/// exhausted one does not affect the others. The service without a key is the application's own, and no application
/// takes keys of this prefix.</summary>
internal static class StorePool
{
    public const string Appends = Prefix + "appends";

    /// <summary>The system's own work: live feed, notifications, leases, heartbeats.</summary>
    public const string Feed = Prefix + "feed";

    /// <summary>Reads for streams that lag so far that memory no longer has their events.</summary>
    public const string Replays = Prefix + "replays";

    /// <summary>Reads for clients' requests: history, topics, state.</summary>
    public const string Reads = Prefix + "reads";

    /// <summary>The features' own transactions, and the schema's.</summary>
    public const string Work = Prefix + "work";

    private const string Prefix = "AspireSse.EventStore.";
    private const int AppendConnections = 8,
        FeedConnections = 18;

    /// <summary>Settings for reads: rows come by an index and in its order, or a read would not be bounded. Each
    /// session plans a read once, since planning costs more than the read, and more per partition.</summary>
    internal const string IndexesOnly =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off"
        + " -c enable_hashjoin=off -c enable_mergejoin=off -c enable_sort=off";

    /// <summary>Setting for the features' transactions: their commits do not notify, and the code calls
    /// <see cref="Outbox.WakeAsync"/> after them.</summary>
    private const string WakesRelay = " -c eventstore.wakes_relay=itself";

    /// <summary>Settings on which the meaning of the log's SQL depends, whatever the role and the database set.
    /// Row-level security makes a query fail, because events that are silently missing would be worse. Partitions are
    /// plain tables.</summary>
    private const string OwnMeaning =
        @" -c default_transaction_isolation=read\ committed -c standard_conforming_strings=on -c row_security=off"
        + " -c default_table_access_method=heap -c lock_timeout=0 -c idle_session_timeout=0";

    internal static void AddStorePools(
        this IServiceCollection services,
        string connectionName,
        Action<NpgsqlDataSourceBuilder>? configure
    )
    {
        services.AddSingleton<StoreHosts>();
        services.AddSingleton(new Address(connectionName, configure));
        services.AddStorePool(Work, options => options.WorkConnections, WakesRelay);
        // One connection is used at a time; an append without an answer keeps its connection until Postgres answers.
        services.AddStorePool(Appends, _ => AppendConnections);
        services.AddStorePool(Feed, _ => FeedConnections);
        services.AddStorePool(Replays, options => options.ReplayConnections, IndexesOnly);
        // Twice as many as clients' reads: opening a stream reads too, and does not wait for a turn.
        services.AddStorePool(Reads, options => 2 * options.ReadConnections, IndexesOnly);
    }

    /// <summary>Adds a pool of connections to the log's database.</summary>
    internal static void AddStorePool(
        this IServiceCollection services,
        string pool,
        Func<EventStoreOptions, int> connections,
        string settings = ""
    ) =>
        services.AddKeyedSingleton(
            pool,
            (provider, _) =>
            {
                var address =
                    provider.GetService<Address>()
                    ?? throw new InvalidOperationException(
                        $"The pool '{pool}' has no database, because the application has no log in Postgres: call "
                            + "AddEventStore."
                    );
                var options = provider.GetRequiredService<IOptions<EventStoreOptions>>().Value;
                var builder = Builder(provider, address, StatementTimeout(options));
                if (pool == Feed)
                    NoteSize(builder.ConnectionStringBuilder, options, provider);
                Set(builder.ConnectionStringBuilder, options, connections(options), settings);
                var name = pool.StartsWith(Prefix, StringComparison.Ordinal) ? pool[Prefix.Length..] : pool;
                builder.Name = $"{address.ConnectionName}-{name}";
                return provider
                    .GetRequiredService<StoreHosts>()
                    .Build(builder)
                    .NameSource(Source(provider, address.ConnectionName));
            }
        );

    /// <summary>Returns a pool's builder with the application's own settings of connections.</summary>
    private static NpgsqlDataSourceBuilder Builder(
        IServiceProvider services,
        Address address,
        TimeSpan statementTimeout
    )
    {
        var (connectionName, configure) = address;
        var text = services.GetRequiredService<IConfiguration>().GetConnectionString(connectionName);
        var source = Source(services, connectionName);
        var builder = Read(text, source);
        StorePooler.Refuse(builder, statementTimeout, source);
        // Spans of background work belong to no trace, and each costs more than its command.
        builder.ConfigureTracing(tracing => tracing.ConfigureCommandFilter(_ => Activity.Current is not null));
        configure?.Invoke(builder);
        if (string.IsNullOrWhiteSpace(builder.ConnectionStringBuilder.Host))
            throw new InvalidOperationException(
                $"The connection string '{connectionName}' is missing or empty, or names no host: set "
                    + $"ConnectionStrings__{connectionName}, such as 'Host=localhost;Username=postgres;"
                    + $"Database={connectionName}'. An AppHost sets it for what it starts."
            );

        return builder;
    }

    /// <summary>Reads the connection string. Npgsql's error names neither the connection string nor the way out, and
    /// may show a part of the password.</summary>
    private static NpgsqlDataSourceBuilder Read(string? text, string source)
    {
        try
        {
            return new NpgsqlDataSourceBuilder(text);
        }
        catch (ArgumentException e)
        {
            var isUri = text?.Contains("://", StringComparison.Ordinal) is true;
            var reason = isUri ? "it is a URI" : e.Message.TrimEnd('.');
            throw new InvalidOperationException(
                $"The event log cannot read {source}: {reason}. Write it as "
                    + "'Host=…;Port=5432;Username=…;Password=…;Database=…'."
            );
        }
    }

    /// <summary>Returns the text that says where the log's address is set: in a connection string or, without one, by
    /// the code.</summary>
    private static string Source(IServiceProvider services, string connectionName) =>
        string.IsNullOrWhiteSpace(services.GetRequiredService<IConfiguration>().GetConnectionString(connectionName))
            ? "the address that 'configure' of AddEventStore sets"
            : $"the connection string '{connectionName}' (ConnectionStrings__{connectionName})";

    /// <summary>Warns that the log ignores a smaller <c>Maximum Pool Size</c> of the connection string.</summary>
    private static void NoteSize(
        NpgsqlConnectionStringBuilder builder,
        EventStoreOptions options,
        IServiceProvider services
    )
    {
        var most =
            AppendConnections
            + FeedConnections
            + options.WorkConnections
            + options.ReplayConnections
            + 2 * options.ReadConnections;
        if (builder.ShouldSerialize("Maximum Pool Size") && builder.MaxPoolSize < most)
            services
                .GetRequiredService<ILoggerFactory>()
                .CreateLogger(typeof(StorePool))
                .LogWarning(
                    "'Maximum Pool Size={Size}' of the connection string has no effect: the event log opens up to "
                        + "{Most} connections in pools of its own, which Postgres must allow to each process "
                        + "(max_connections)",
                    builder.MaxPoolSize,
                    most
                );
    }

    /// <summary>Returns the time after which Postgres cancels a statement: a second later than the client, which may
    /// have vanished.</summary>
    private static TimeSpan StatementTimeout(EventStoreOptions options) =>
        TimeSpan.FromSeconds(options.CommandTimeoutSeconds + 1);

    /// <summary>Returns true if a host is a folder with a socket, or a name in Linux's abstract namespace, as Npgsql
    /// decides.</summary>
    private static bool HasUnixSocket(NpgsqlConnectionStringBuilder builder) =>
        builder
            .Host!.Split(',', StringSplitOptions.TrimEntries)
            .Any(host => host.StartsWith('@') || Path.IsPathRooted(host));

    /// <summary>Sets what the log needs, in place of the application's settings.</summary>
    private static void Set(
        NpgsqlConnectionStringBuilder builder,
        EventStoreOptions options,
        int connections,
        string settings
    )
    {
        builder.CommandTimeout = options.CommandTimeoutSeconds;
        builder.MaxAutoPrepare = 30;
        builder.AutoPrepareMinUsages = 2;
        builder.Timeout = 5;
        builder.KeepAlive = 10;
        // The peer is probed while a command runs, too: one that vanished after it got the command would never answer.
        builder.TcpKeepAlive = true;
        // A Unix socket refuses the times, and its peer cannot vanish.
        var isTcp = !HasUnixSocket(builder);
        builder.TcpKeepAliveTime = isTcp ? 10 : 0;
        builder.TcpKeepAliveInterval = isTcp ? 5 : 0;
        builder.MaxPoolSize = connections;
        builder.MinPoolSize = 0;
        // No code leaves settings in a session, and a reset costs more than most of our statements.
        builder.NoResetOnClose = true;
        // Locks and notifications belong to sessions.
        builder.Multiplexing = false;
        // The log takes no part in the application's ambient transaction, which would have to prepare two connections.
        builder.Enlist = false;
        // PGCLIENTENCODING or the connection string may name another encoding: other characters would be stored.
        builder.ClientEncoding = "UTF8";
        builder.Encoding = "UTF8";
        // The log's SQL names its schema everywhere, so that a name without a schema is Postgres's own.
        builder.SearchPath = "pg_catalog, pg_temp";
        // Npgsql tries Kerberos's encryption first, whose library small images lack.
        if (
            !builder.ShouldSerialize("GSS Encryption Mode")
            && Environment.GetEnvironmentVariable("PGGSSENCMODE") is not { Length: > 0 }
        )
            builder.GssEncryptionMode = GssEncryptionMode.Disable;

        // An idle transaction would keep its locks for hours. Compiling a plan (jit) takes longer than any of our
        // statements.
        var timeout = StatementTimeout(options).TotalMilliseconds;
        builder.Options =
            $"{builder.Options} -c statement_timeout={timeout} -c idle_in_transaction_session_timeout={timeout}"
            + " -c client_connection_check_interval=2000 -c tcp_user_timeout=20000 -c tcp_keepalives_idle=15"
            + $" -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 -c jit=off{OwnMeaning}{settings}";
    }

    /// <summary>The arguments of <c>AddEventStore</c>, which lead to the database.</summary>
    private sealed record Address(string ConnectionName, Action<NpgsqlDataSourceBuilder>? Configure);
}
