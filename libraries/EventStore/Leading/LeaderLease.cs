using EventStore;
using Npgsql;

namespace AspireSse;

/// <summary>Leases for work that one process of an application does, by Postgres's clock;
/// <see cref="Microsoft.Extensions.Hosting.EventStoreExtensions.AddEventStore"/> registers them. A holder that is
/// killed or frozen loses its lease, and its fencing number is then too low for its writes (Kleppmann, "How to do
/// distributed locking"). Thread-safe.</summary>
/// <remarks>Needed for work that only one of several processes may do, such as a generator of events. Every method
/// throws <see cref="NpgsqlException"/> or <see cref="TimeoutException"/> unless Postgres answers.</remarks>
public sealed class LeaderLease
{
    private readonly NpgsqlDataSource _store;

    internal LeaderLease(NpgsqlDataSource store) => _store = store;

    /// <summary>Takes or renews a lease; after an exception the caller must assume that the lease is lost.</summary>
    /// <param name="name">Name of the work. <c>broadcaster</c> is the libraries' own.</param>
    /// <param name="holder">The caller: unique per process.</param>
    /// <param name="ttl">Time after which the lease ends unless it is renewed, and the longest wait for
    /// Postgres.</param>
    /// <param name="cancellationToken">Ends the wait; the lease may be taken nevertheless.</param>
    /// <returns>The fence, greater for each new holder, or null while another process holds the lease.</returns>
    public Task<long?> HoldAsync(
        string name,
        string holder,
        TimeSpan ttl,
        CancellationToken cancellationToken = default
    ) =>
        _store.RunAsync(
            "select eventstore.hold_lease($1, $2, $3)",
            async command => await command.With(name).With(holder).With(ttl).ExecuteScalarAsync() as long?,
            ttl,
            cancellationToken
        );

    /// <summary>Releases a lease, so that no standby waits until it expires; an outdated fence does nothing.</summary>
    public Task ReleaseAsync(string name, long fence, CancellationToken cancellationToken = default) =>
        _store.RunAsync(
            """
            update eventstore.leases set expires_at = clock_timestamp() - interval '1 second', holder = ''
            where name = $1 and fence = $2
            """,
            command => command.With(name).With(fence).ExecuteNonQueryAsync(),
            cancellationToken
        );
}
