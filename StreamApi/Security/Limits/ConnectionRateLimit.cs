using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// How fast one address may open connections. One number an address (the virtual scheduling of ITU-T I.371): when all
/// that it has asked for is paid.
/// </summary>
/// <param name="limits">How fast.</param>
/// <param name="security">Whose addresses stand for many.</param>
/// <param name="clock">The time.</param>
/// <param name="places">Most connections that wait, of all addresses together.</param>
internal sealed class ConnectionRateLimit(
    IOptions<LimitOptions> limits,
    IOptions<SecurityOptions> security,
    TimeProvider clock,
    int places
)
{
    /// <summary>Who would wait longer is closed at once. So one address has no more than a part of the
    /// places.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);
    private const int Sweep = 4_096;

    private readonly IPNetwork[] _proxies = [.. security.Value.Proxies.Select(SecurityOptions.NetworkOf)];
    private readonly ConcurrentDictionary<IPAddress, long> _paid = new();
    private readonly long _started = clock.GetTimestamp();
    private int _taken,
        _waiting;

    public int PerSecond { get; } = limits.Value.ConnectionsPerSecond!.Value;

    public bool IsKept => PerSecond < LimitOptions.Unlimited;

    /// <summary>
    /// How long a connection of this address waits before anything is made of it; null where that is too long, or where
    /// as many wait already, of all addresses
    /// together, as may. Who waits has a place: give it back with <see cref="HasWaited"/>. What is refused costs its
    /// address nothing.
    /// </summary>
    public TimeSpan? TakeTurn(IPAddress address)
    {
        address = address.Unmapped();
        foreach (var proxy in _proxies)
            if (proxy.Contains(address))
                return TimeSpan.Zero; // behind it are many
        var client = RequestLimits.ClientOf(address);
        if (Interlocked.Increment(ref _taken) % Sweep == 0)
            Forget();
        var each = TimeSpan.TicksPerSecond / PerSecond;
        while (true)
        {
            var now = clock.GetElapsedTime(_started).Ticks;
            var known = _paid.TryGetValue(client, out var paid);
            var mine = Math.Max(paid, now) + each;
            // A second's worth at once.
            var wait = TimeSpan.FromTicks(Math.Max(0, mine - now - TimeSpan.TicksPerSecond));
            if (wait > MaxWait || (wait > TimeSpan.Zero && !TryWait()))
                return null;
            if (known ? _paid.TryUpdate(client, mine, paid) : _paid.TryAdd(client, mine))
                return wait;
            if (wait > TimeSpan.Zero)
                HasWaited();
        }
    }

    private bool TryWait()
    {
        if (Interlocked.Increment(ref _waiting) <= places)
            return true;
        HasWaited();
        return false;
    }

    public void HasWaited() => Interlocked.Decrement(ref _waiting);

    private void Forget()
    {
        var now = clock.GetElapsedTime(_started).Ticks;
        foreach (var (client, paid) in _paid)
            if (paid <= now)
                _paid.TryRemove(new KeyValuePair<IPAddress, long>(client, paid));
    }
}
