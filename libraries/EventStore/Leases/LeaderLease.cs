using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace EventStore;

/// <summary>
/// A renewed lease with a fencing number, by Postgres's clock: a holder that stops renewing (killed or frozen) loses it
/// when it expires,
/// and its number is too low for everything it does after waking (Kleppmann, "How to do distributed locking").
/// </summary>
public sealed class LeaderLease([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store)
{
    /// <summary>Takes or renews the lease. Returns its fence, greater for each new holder, or null while another holds
    /// it.</summary>
    /// <exception cref="NpgsqlException">Postgres does not answer; the lease must be taken for lost.</exception>
    public async Task<long?> HoldAsync(string name, string holder, TimeSpan ttl, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand("select eventstore.hold_lease($1, $2, $3)");
        command.CommandTimeout = Math.Max(1, (int)ttl.TotalSeconds);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = holder });
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = ttl });
        return await command.ExecuteScalarAsync(cancellationToken) as long?;
    }

    /// <summary>Gives the lease up, so that a spare need not wait for it to expire.</summary>
    public async Task ReleaseAsync(string name, long fence, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            "update eventstore.leases set expires_at = clock_timestamp() - interval '1 second', holder = '' where name = $1 and fence = $2"
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Who leads, for dashboards: null while nobody does.</summary>
    public async Task<string?> HolderAsync(string name, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            "select holder from eventstore.leases where name = $1 and expires_at > clock_timestamp()"
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }
}
