using System.Collections.Concurrent;
using Npgsql;

namespace EventStore;

/// <summary>Builds connection pools for the primary among a connection string's hosts. Thread-safe.</summary>
/// <remarks>Npgsql remembers the primary. Asking again after a time would let a frozen host delay its callers each
/// time, so the states are forgotten only when a pool has no primary any more.</remarks>
internal sealed class StoreHosts(TimeProvider clock)
{
    private const int ForgetNever = 24 * 3_600,
        ConnectSeconds = 2;
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(1);
    private readonly ConcurrentBag<(NpgsqlDataSource Pool, NpgsqlMultiHostDataSource Hosts)> _pools = [];

    /// <summary>True if the connection string names several hosts.</summary>
    public bool AreSeveral => !_pools.IsEmpty;

    /// <summary>Opens a pool: the only place where one is.</summary>
    /// <param name="builder">The pool's settings; changed by this method. Its name is that of the pool in traces and
    /// metrics, which otherwise carry the connection string.</param>
    public NpgsqlDataSource Build(NpgsqlDataSourceBuilder builder)
    {
        var settings = builder.ConnectionStringBuilder;
        if (settings.TargetSessionAttributes is { } target && target is not ("primary" or "read-write"))
            throw new InvalidOperationException(
                $"The connection string of the event log has 'Target Session Attributes={target}', but events can only "
                    + "be stored on a primary. Write 'Target Session Attributes=primary'."
            );

        settings.TargetSessionAttributes = null;
        if (settings.Host?.Contains(',', StringComparison.Ordinal) is not true)
            return builder.Build();

        settings.Timeout = ConnectSeconds;
        settings.HostRecheckSeconds = ForgetNever;
        var hosts = builder.BuildMultiHost();
        var pool = hosts.WithTargetSession(TargetSessionAttributes.Primary);

        _pools.Add((pool, hosts));
        return pool;
    }

    /// <summary>Forgets the states of all hosts: the next connections look for the primary.</summary>
    public void Forget()
    {
        foreach (var (_, hosts) in _pools)
            hosts.ClearDatabaseStates();
    }

    /// <summary>Lets pools without a primary look for it: one broken connection makes Npgsql avoid its host.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        foreach (var (pool, hosts) in _pools)
        {
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
}
