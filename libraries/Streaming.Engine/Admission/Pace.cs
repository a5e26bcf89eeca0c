using System.Collections.Concurrent;

namespace AspireSse.Server;

/// <summary>Limits the rate of each client by virtual scheduling (ITU-T I.371). Thread-safe.</summary>
/// <remarks>Needed only by a host that limits rates itself, as StreamApi limits new connections.</remarks>
public sealed class Pace<TClient>
    where TClient : notnull
{
    private const int ChargesPerSweep = 4_096;

    private readonly double _perSecond;
    private readonly TimeSpan _burst;
    private readonly TimeProvider _clock;
    private readonly long _started;

    private readonly ConcurrentDictionary<TClient, TimeSpan> _busyUntil = new();
    private int _charges;

    /// <summary>Creates a pace of clients that are all idle.</summary>
    /// <param name="perSecond">Cost that a client may cause per second, above 0.</param>
    /// <param name="burst">Cost that an idle client may cause at once.</param>
    /// <param name="clock">Measures the rate.</param>
    public Pace(double perSecond, double burst, TimeProvider clock)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perSecond);
        ArgumentOutOfRangeException.ThrowIfNegative(burst);
        ArgumentNullException.ThrowIfNull(clock);

        _perSecond = perSecond;
        _burst = TimeSpan.FromSeconds(burst / perSecond);
        _clock = clock;
        _started = clock.GetTimestamp();
    }

    private TimeSpan Now => _clock.GetElapsedTime(_started);

    /// <returns>The time to wait to keep the rate, or null, without a charge, if it exceeds
    /// <paramref name="maxWait"/>.</returns>
    public TimeSpan? Charge(TClient client, double cost, TimeSpan? maxWait = null)
    {
        if (Interlocked.Increment(ref _charges) % ChargesPerSweep == 0)
            RemoveIdle();

        while (true)
        {
            var now = Now;
            var isKnown = _busyUntil.TryGetValue(client, out var busyUntil);
            var mine = (busyUntil > now ? busyUntil : now) + TimeSpan.FromSeconds(cost / _perSecond);

            var wait = mine - now - _burst;
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
