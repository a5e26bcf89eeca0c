using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Limits how fast one address may open connections. Keeps one number per address (virtual scheduling, ITU-T I.371):
/// the time until which its connections use up its rate.
/// </summary>
/// <param name="limits">The rate.</param>
/// <param name="security">The proxies, which are exempt.</param>
/// <param name="clock">The clock.</param>
/// <param name="maxWaiting">Maximum waiting connections of all addresses together.</param>
internal sealed class ConnectionRateLimit(
    IOptions<LimitOptions> limits,
    IOptions<SecurityOptions> security,
    TimeProvider clock,
    int maxWaiting
)
{
    /// <summary>
    /// Connections that would wait longer are closed at once. This also bounds the waiting connections of one address.
    /// </summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);
    private const int Sweep = 4_096;

    private readonly IPNetwork[] _proxies = [.. security.Value.Proxies.Select(SecurityOptions.NetworkOf)];
    private readonly ConcurrentDictionary<IPAddress, long> _busyUntil = new();
    private readonly long _started = clock.GetTimestamp();
    private int _turns,
        _waiting;

    public int PerSecond { get; } = limits.Value.ConnectionsPerSecond!.Value;

    public bool IsEnabled => PerSecond < LimitOptions.Unlimited;

    /// <summary>
    /// Reserves a turn for a connection of this address. A refused connection costs its address nothing.
    /// </summary>
    /// <returns>The time to wait, ended with <see cref="EndWait"/>; null if the wait would be too long or too many
    /// wait.</returns>
    public TimeSpan? TakeTurn(IPAddress address)
    {
        address = address.Unmapped();
        foreach (var proxy in _proxies)
            if (proxy.Contains(address))
                return TimeSpan.Zero; // one proxy carries many clients
        var client = RequestLimits.ClientOf(address);
        if (Interlocked.Increment(ref _turns) % Sweep == 0)
            RemoveIdle();
        var each = TimeSpan.TicksPerSecond / PerSecond;
        while (true)
        {
            var now = clock.GetElapsedTime(_started).Ticks;
            var known = _busyUntil.TryGetValue(client, out var busyUntil);
            var mine = Math.Max(busyUntil, now) + each;
            // A burst of one second is free.
            var wait = TimeSpan.FromTicks(Math.Max(0, mine - now - TimeSpan.TicksPerSecond));
            if (wait > MaxWait || (wait > TimeSpan.Zero && !TryWait()))
                return null;
            if (known ? _busyUntil.TryUpdate(client, mine, busyUntil) : _busyUntil.TryAdd(client, mine))
                return wait;
            if (wait > TimeSpan.Zero)
                EndWait();
        }
    }

    private bool TryWait()
    {
        if (Interlocked.Increment(ref _waiting) <= maxWaiting)
            return true;
        EndWait();
        return false;
    }

    public void EndWait() => Interlocked.Decrement(ref _waiting);

    private void RemoveIdle()
    {
        var now = clock.GetElapsedTime(_started).Ticks;
        foreach (var (client, busyUntil) in _busyUntil)
            if (busyUntil <= now)
                _busyUntil.TryRemove(new KeyValuePair<IPAddress, long>(client, busyUntil));
    }
}
