using Npgsql;

namespace StreamApi.Seeds.Storage;

/// <summary>Keys of the seeds' own connection pools to the log's database, under the rules of the log's: an exhausted
/// one does not affect the other, and Postgres gives up soon after the service has.</summary>
internal static class SeedsPool
{
    /// <summary>Changes.</summary>
    public const string Work = "seeds-work";

    /// <summary>Reads for clients' requests.</summary>
    public const string Reads = "seeds-reads";

    /// <summary>Connections of each.</summary>
    public const int WorkConnections = 8,
        ReadConnections = 4;

    /// <summary>Settings for reads: rows come by an index and in its order, or a read would not be bounded.</summary>
    private const string IndexesOnly =
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off"
        + " -c enable_hashjoin=off -c enable_mergejoin=off -c enable_sort=off";

    public static void AddSeedsPools(this IServiceCollection services)
    {
        services.AddKeyedSingleton(Work, (provider, _) => Build(provider, Work, WorkConnections));
        services.AddKeyedSingleton(Reads, (provider, _) => Build(provider, Reads, ReadConnections, IndexesOnly));
    }

    /// <summary>Builds a pool of these settings.</summary>
    public static NpgsqlDataSource Build(IServiceProvider services, string name, int connections, string options = "")
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        var seconds = configuration.GetValue("AspireSse:EventStore:CommandTimeoutSeconds", 15);
        var builder = new NpgsqlDataSourceBuilder(configuration.GetConnectionString("eventstore"))
        {
            Name = $"eventstore-{name}",
        };

        var settings = builder.ConnectionStringBuilder;
        settings.MaxPoolSize = connections;
        settings.CommandTimeout = seconds;
        settings.Timeout = 5;
        settings.KeepAlive = 10;
        settings.MaxAutoPrepare = 30;
        settings.AutoPrepareMinUsages = 2;
        settings.NoResetOnClose = true;
        // Npgsql tries Kerberos's encryption first, whose library small images lack.
        if (!settings.ShouldSerialize("GSS Encryption Mode"))
            settings.GssEncryptionMode = GssEncryptionMode.Disable;

        var timeout = (seconds + 1) * 1_000;
        settings.Options =
            $"{settings.Options} -c statement_timeout={timeout} -c idle_in_transaction_session_timeout={timeout}"
            + $" -c client_connection_check_interval=2000 -c jit=off{options}";

        settings.TargetSessionAttributes = null;
        return settings.Host?.Contains(',', StringComparison.Ordinal) is true
            ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary)
            : builder.Build();
    }
}
