using System.Collections.Concurrent;

namespace AspireSse;

/// <summary>Limits the rate of each client by virtual scheduling (ITU-T I.371). Thread-safe.</summary>
/// <param name="perSecond">Cost that a client may cause per second.</param>
/// <param name="burst">Cost that an idle client may cause at once.</param>
public sealed class Pace<TClient>(double perSecond, double burst, TimeProvider clock)
    where TClient : notnull
{
    private const int ChargesPerSweep = 4_096;

    private readonly ConcurrentDictionary<TClient, TimeSpan> _busyUntil = new();
    private readonly long _started = clock.GetTimestamp();
    private int _charges;

    private TimeSpan Now => clock.GetElapsedTime(_started);

    /// <returns>The wait that keeps the rate, or null, and no charge, if it exceeds
    /// <paramref name="maxWait"/>.</returns>
    public TimeSpan? Charge(TClient client, double cost, TimeSpan? maxWait = null)
    {
        if (Interlocked.Increment(ref _charges) % ChargesPerSweep == 0)
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
