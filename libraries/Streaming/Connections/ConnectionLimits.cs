using System.Collections.Concurrent;
using Microsoft.Extensions.Options;

namespace Streaming.Connections;

/// <summary>
/// The maximum of open streams: of this replica (<see cref="StreamingOptions.MaxConnections"/>), of a pool and of a
/// client. Thread-safe.
/// </summary>
internal sealed class ConnectionLimits(IOptions<StreamingOptions> options, StreamPools pools)
{
    private readonly ConcurrentDictionary<string, int> _perClient = new(StringComparer.Ordinal);
    private int _admitted;

    /// <summary>Number of places taken.</summary>
    public int Count => Volatile.Read(ref _admitted);

    /// <summary>Takes a place, and one in the named pool. Dispose the place to give it back.</summary>
    /// <param name="poolName">The endpoint's pool; null: none.</param>
    /// <param name="client">The user, or the address without a user.</param>
    /// <param name="resume">True for a resuming client. It may use the reserve and twice its own limit, because its
    /// former streams may still count.</param>
    /// <param name="place">The place; null if it is refused.</param>
    public Admission TryEnter(string? poolName, string client, bool resume, out IDisposable? place)
    {
        place = null;
        var pool = poolName is null ? null : pools.Of(poolName);
        var reserve = resume ? options.Value.ResumeReservePercent : 0;
        if (pool?.TryTake(reserve) == false)
            return Admission.Full;
        var taken = new Place(this, pool, client);
        var most = options.Value.MaxConnections + options.Value.MaxConnections * reserve / 100;
        var own = _perClient.AddOrUpdate(client, 1, static (_, n) => n + 1);
        if (Interlocked.Increment(ref _admitted) > most)
        {
            taken.Dispose();
            return Admission.Full;
        }
        if (options.Value.MaxConnectionsPerClient is > 0 and var limit && own > (resume ? 2L * limit : limit))
        {
            taken.Dispose();
            return Admission.TooManyOfClient;
        }
        place = taken;
        return Admission.Admitted;
    }

    private sealed class Place(ConnectionLimits limits, StreamPool? pool, string client) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) != 0)
                return;
            Interlocked.Decrement(ref limits._admitted);
            pool?.Give();
            if (limits._perClient.AddOrUpdate(client, 0, static (_, n) => n - 1) == 0)
                limits._perClient.TryRemove(new KeyValuePair<string, int>(client, 0));
        }
    }
}

/// <summary>Result of a request for a place.</summary>
internal enum Admission
{
    Admitted,

    /// <summary>All places of this replica, or of the pool, are taken.</summary>
    Full,

    /// <summary>The client has reached its limit.</summary>
    TooManyOfClient,
}
