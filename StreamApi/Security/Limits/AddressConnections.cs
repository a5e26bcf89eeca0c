using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>Limits how many connections one address has open; proxies are exempt. Thread-safe.</summary>
internal sealed class AddressConnections(IOptions<LimitOptions> limits, IOptions<SecurityOptions> security)
{
    private readonly ConcurrentDictionary<IPAddress, int> _open = new();

    public int Max { get; } = limits.Value.ConnectionsPerAddress!.Value;

    public bool IsEnabled => Max < LimitOptions.Unlimited;

    /// <summary>Counts a connection of the address. Return it with <see cref="Close"/>.</summary>
    /// <returns>The counted client, or null with false if it has as many open as it may, null with true for a
    /// proxy.</returns>
    public bool TryOpen(IPAddress address, out IPAddress? client)
    {
        client = null;
        address = address.Unmapped();

        if (!IsEnabled || security.Value.IsProxy(address))
            return true;

        var mine = ClientKey.NetworkOf(address);
        if (_open.AddOrUpdate(mine, 1, static (_, n) => n + 1) > Max)
        {
            Close(mine);
            return false;
        }

        client = mine;
        return true;
    }

    public void Close(IPAddress? client)
    {
        if (client is not null && _open.AddOrUpdate(client, 0, static (_, n) => n - 1) == 0)
            _open.TryRemove(new KeyValuePair<IPAddress, int>(client, 0));
    }
}
