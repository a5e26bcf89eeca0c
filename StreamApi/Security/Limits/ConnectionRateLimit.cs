using System.Net;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>Limits how fast one address may open connections; proxies are exempt.</summary>
/// <param name="limits">The rate.</param>
/// <param name="security">The proxies.</param>
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

    private readonly Pace<IPAddress> _pace = new(
        limits.Value.ConnectionsPerSecond!.Value,
        burst: limits.Value.ConnectionsPerSecond.Value,
        clock
    );
    private int _waiting;

    public int PerSecond { get; } = limits.Value.ConnectionsPerSecond.Value;

    public bool IsEnabled => PerSecond < LimitOptions.Unlimited;

    /// <summary>
    /// Reserves a turn for a connection of this address. One that would wait too long costs its address nothing.
    /// </summary>
    /// <returns>The time to wait, ended with <see cref="EndWait"/>, or null if the wait would be too long or too many
    /// wait.</returns>
    public TimeSpan? TakeTurn(IPAddress address)
    {
        address = address.Unmapped();
        if (security.Value.IsProxy(address))
            return TimeSpan.Zero;

        // Without room only a connection that need not wait is admitted; others cost their address nothing.
        var hasRoom = Volatile.Read(ref _waiting) < maxWaiting;
        var wait = _pace.Charge(ClientKey.NetworkOf(address), cost: 1, hasRoom ? MaxWait : TimeSpan.Zero);
        if (wait > TimeSpan.Zero)
            Interlocked.Increment(ref _waiting);

        return wait;
    }

    public void EndWait() => Interlocked.Decrement(ref _waiting);
}
