using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// How fast one address may open connections, before anything of HTTP or TLS is made of them: a request that is refused costs nearly as much as
/// one that is not, a connection that waits next to nothing. One number an address (the virtual scheduling of ITU-T I.371): when all that it has asked for is paid.
/// </summary>
internal sealed class ConnectionPace(IOptions<LimitOptions> limits, IOptions<SecurityOptions> security, TimeProvider clock, IHostApplicationLifetime lifetime, ILogger<ConnectionPace> logger)
{
    /// <summary>Who would wait longer is closed at once.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const int Sweep = 4_096;

    private readonly int _perSecond = limits.Value.ConnectionsPerSecond!.Value;
    private readonly IPNetwork[] _proxies = [.. security.Value.Proxies.Select(p => IPNetwork.TryParse(p, out var network) ? network : IPNetwork.Parse($"{p}/{(p.Contains(':') ? 128 : 32)}"))];
    private readonly ConcurrentDictionary<IPAddress, long> _paid = new();
    private readonly long _started = clock.GetTimestamp();
    private long _toldAt;
    private int _taken;

    public ConnectionDelegate Middleware(ConnectionDelegate next) => _perSecond >= LimitOptions.AsGoodAsNone ? next : connection =>
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: var address }) return next(connection);
        var wait = TakeTurn(address);
        return wait == TimeSpan.Zero ? next(connection) : WaitAsync(connection, wait, next);
    };

    private async Task WaitAsync(ConnectionContext connection, TimeSpan? wait, ConnectionDelegate next)
    {
        if (wait is not { } turn)
        {
            var now = Environment.TickCount64;
            if (Interlocked.Read(ref _toldAt) is var told && (told == 0 || now - told > 60_000) && Interlocked.CompareExchange(ref _toldAt, now, told) == told)
                logger.LogWarning("{Address} opens connections faster than Limits:ConnectionsPerSecond ({PerSecond}), some are closed. If it is a proxy of yours, name it in Security:Proxies", connection.RemoteEndPoint, _perSecond);
            connection.Abort(new ConnectionAbortedException("Its address opens connections faster than Limits:ConnectionsPerSecond."));
            return;
        }
        using (var gone = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed, lifetime.ApplicationStopping))
        {
            try { await Task.Delay(turn, clock, gone.Token); }
            catch (OperationCanceledException) { return; }
        }
        await next(connection);
    }

    /// <summary>How long to wait; null where that is too long.</summary>
    private TimeSpan? TakeTurn(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        foreach (var proxy in _proxies) if (proxy.Contains(address)) return TimeSpan.Zero;      // behind it are many
        var client = RequestLimits.ClientOf(address);
        if (Interlocked.Increment(ref _taken) % Sweep == 0) Forget();
        var each = TimeSpan.TicksPerSecond / _perSecond;
        while (true)
        {
            var now = clock.GetElapsedTime(_started).Ticks;
            var known = _paid.TryGetValue(client, out var paid);
            var mine = Math.Max(paid, now) + each;
            // A second's worth at once.
            var wait = TimeSpan.FromTicks(Math.Max(0, mine - now - TimeSpan.TicksPerSecond));
            if (wait > Patience) return null;
            if (known ? _paid.TryUpdate(client, mine, paid) : _paid.TryAdd(client, mine)) return wait;
        }
    }

    private void Forget()
    {
        var now = clock.GetElapsedTime(_started).Ticks;
        foreach (var (client, paid) in _paid)
            if (paid <= now) _paid.TryRemove(new KeyValuePair<IPAddress, long>(client, paid));
    }
}
