using Microsoft.Extensions.Options;
using Streaming.Admission;

namespace Streaming.Connections;

/// <summary>Limits open streams of the replica, a pool and, above half of all places, a client. Thread-safe.</summary>
internal sealed class ConnectionLimits(IOptions<StreamingOptions> options, StreamPools pools)
{
    private readonly ClientCounts<string> _ofPersons = new(),
        _ofAccounts = new();
    private int _taken;

    public int Count => Volatile.Read(ref _taken);

    /// <summary>Takes a place here and in the named pool, if any. Dispose it to give both back.</summary>
    /// <param name="resume">True: it may use the reserve and twice its limit, as old streams may still count.</param>
    public ShareVerdict TryEnter(string? poolName, ClientKey client, bool resume, out IDisposable? place)
    {
        place = null;
        var pool = poolName is null ? null : pools.Of(poolName);
        var reserve = resume ? options.Value.ResumeReservePercent : 0;
        if (pool?.TryTake(reserve) == false)
            return ShareVerdict.Full;

        var taken = new Place(this, pool, client);
        var verdict = Judge(taken, reserve, resume);
        if (verdict == ShareVerdict.Admitted)
            place = taken;
        else
            taken.Dispose();
        return verdict;
    }

    private ShareVerdict Judge(Place taken, int reserve, bool resume)
    {
        var all = options.Value.MaxConnections;
        if (taken.Number > all + all * reserve / 100)
            return ShareVerdict.Full;

        // Nobody lacks a place yet: who wants more may have it.
        if (options.Value.MaxConnectionsPerClient is not (> 0 and var ofPerson) || taken.Number <= all / 2)
            return ShareVerdict.Admitted;

        var factor = resume ? 2L : 1;
        var ofAccount = all / _ofAccounts.Clients;
        return taken.OfPerson > factor * ofPerson || taken.OfAccount > factor * ofAccount
            ? ShareVerdict.OwnExcess
            : ShareVerdict.Admitted;
    }

    private sealed class Place(ConnectionLimits limits, StreamPool? pool, ClientKey client) : IDisposable
    {
        private int _given;

        /// <summary>Places taken with this one: in all, of its person, of its account.</summary>
        public int Number { get; } = Interlocked.Increment(ref limits._taken);
        public int OfPerson { get; } = limits._ofPersons.Add(client.Person);
        public int OfAccount { get; } = limits._ofAccounts.Add(client.Account);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) != 0)
                return;

            Interlocked.Decrement(ref limits._taken);
            pool?.Give();
            limits._ofPersons.Remove(client.Person);
            limits._ofAccounts.Remove(client.Account);
        }
    }
}
