using System.Collections.Concurrent;
using Npgsql;

namespace EventStore;

/// <summary>Builds the connection pools of the log's database, for the primary among a connection string's hosts.
/// Thread-safe.</summary>
/// <remarks>Npgsql remembers the primary. If it asked again after some time, a frozen host would delay callers each
/// time, so the hosts' states are forgotten only when a pool no longer has a primary.</remarks>
internal sealed class StoreHosts(TimeProvider clock)
{
    private const int ForgetNever = 24 * 3_600,
        ConnectSeconds = 2;
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(1);
    private readonly ConcurrentBag<(NpgsqlDataSource Pool, NpgsqlMultiHostDataSource? Hosts)> _pools = [];

    /// <summary>True if the connection string names several hosts.</summary>
    public bool AreSeveral => _pools.Any(pool => pool.Hosts is not null);

    /// <summary>Opens a pool. No other code opens one.</summary>
    /// <param name="builder">The pool's settings, which this method changes. Their name is the pool's name in traces
    /// and metrics, which would otherwise show the connection string.</param>
    public NpgsqlDataSource Build(NpgsqlDataSourceBuilder builder)
    {
        var settings = builder.ConnectionStringBuilder;
        if (settings.TargetSessionAttributes is { } target && target is not ("primary" or "read-write"))
            throw new InvalidOperationException(
                $"The connection string of the event log has 'Target Session Attributes={target}', but events can only "
                    + "be stored on a primary. Write 'Target Session Attributes=primary'."
            );

        settings.TargetSessionAttributes = null;
        NpgsqlMultiHostDataSource? hosts = null;
        if (settings.Host?.Contains(',', StringComparison.Ordinal) is true)
        {
            settings.Timeout = ConnectSeconds;
            settings.HostRecheckSeconds = ForgetNever;
            hosts = builder.BuildMultiHost();
        }

        var pool = hosts?.WithTargetSession(TargetSessionAttributes.Primary) ?? builder.Build();
        _pools.Add((pool, hosts));
        return pool;
    }

    /// <summary>Closes the connections of all pools, which may be broken or keep old settings: an idle one now, a busy
    /// one after its use. The next connections look for the primary.</summary>
    public void Clear()
    {
        foreach (var (pool, hosts) in _pools)
        {
            pool.Clear();
            hosts?.ClearDatabaseStates();
        }
    }

    /// <summary>Lets pools without a primary look for it, because one broken connection makes Npgsql avoid its host.
    /// Takes a second if all connections of a pool are in use.</summary>
    public Task CheckAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_pools.Select(pool => CheckAsync(pool.Pool, pool.Hosts, cancellationToken)));

    private async Task CheckAsync(
        NpgsqlDataSource pool,
        NpgsqlMultiHostDataSource? hosts,
        CancellationToken cancellationToken
    )
    {
        if (hosts is null)
            return;

        using var limit = new CancellationTokenSource(CheckTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await using var connection = await pool.OpenConnectionAsync(either.Token);
        }
        catch (Exception e) when (e is NpgsqlException or PoolerException)
        {
            hosts.ClearDatabaseStates();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        { /* all of its connections are in use */
        }
    }
}
