using System.Collections.Concurrent;

namespace Streaming.Admission;

/// <summary>
/// The rate of each client: one number a client, the time until which what it did uses up its rate (virtual scheduling,
/// ITU-T I.371). Thread-safe.
/// </summary>
/// <param name="perSecond">Cost that a client may cause per second.</param>
/// <param name="burst">Cost that an idle client may cause at once.</param>
/// <param name="clock">The clock.</param>
internal sealed class Pace<TClient>(double perSecond, double burst, TimeProvider clock)
    where TClient : notnull
{
    /// <summary>Charges between two looks for clients whose number says nothing any more.</summary>
    private const int Sweep = 4_096;

    private readonly ConcurrentDictionary<TClient, TimeSpan> _busyUntil = new();
    private readonly long _started = clock.GetTimestamp();
    private int _charges;

    private TimeSpan Now => clock.GetElapsedTime(_started);

    /// <summary>Charges the client.</summary>
    /// <param name="client">The client.</param>
    /// <param name="cost">What it does, or has done.</param>
    /// <param name="maxWait">If it would have to wait longer, nothing is charged; null: however long.</param>
    /// <returns>The time that it has to wait to keep its rate; null: longer than <paramref name="maxWait"/>.</returns>
    public TimeSpan? Charge(TClient client, double cost, TimeSpan? maxWait = null)
    {
        if (Interlocked.Increment(ref _charges) % Sweep == 0)
            RemoveIdle();

        while (true)
        {
            var now = Now;
            var isKnown = _busyUntil.TryGetValue(client, out var busyUntil);
            var mine = (busyUntil > now ? busyUntil : now) + TimeSpan.FromSeconds(cost / perSecond);

            var wait = mine - now - TimeSpan.FromSeconds(burst / perSecond);
            if (wait < TimeSpan.Zero)
                wait = TimeSpan.Zero;
            if (wait > maxWait)
                return null;

            if (isKnown ? _busyUntil.TryUpdate(client, mine, busyUntil) : _busyUntil.TryAdd(client, mine))
                return wait;
        }
    }

    private void RemoveIdle()
    {
        var now = Now;
        foreach (var (client, busyUntil) in _busyUntil)
            if (busyUntil <= now)
                _busyUntil.TryRemove(new KeyValuePair<TClient, TimeSpan>(client, busyUntil));
    }
}
