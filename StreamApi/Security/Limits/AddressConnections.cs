using System.Net;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>Limits how many connections one address has open; proxies are exempt. Thread-safe.</summary>
internal sealed class AddressConnections(IOptions<LimitOptions> limits, IOptions<SecurityOptions> security)
{
    private readonly IPNetwork[] _proxies = [.. security.Value.Proxies.Select(SecurityOptions.NetworkOf)];
    private readonly ClientCounts<IPAddress> _open = new();

    public int Max { get; } = limits.Value.ConnectionsPerAddress!.Value;

    public bool IsEnabled => Max < LimitOptions.Unlimited;

    /// <summary>Counts a connection of the address. Return it with <see cref="Close"/>.</summary>
    /// <returns>The counted client; null with false if it has as many open as it may, null with true for a
    /// proxy.</returns>
    public bool TryOpen(IPAddress address, out IPAddress? client)
    {
        client = null;
        address = address.Unmapped();

        if (!IsEnabled)
            return true;

        foreach (var proxy in _proxies)
            if (proxy.Contains(address))
                return true; // one proxy carries many clients

        var mine = ClientKey.NetworkOf(address);
        if (_open.Add(mine) > Max)
        {
            Close(mine);
            return false;
        }

        client = mine;
        return true;
    }

    public void Close(IPAddress? client)
    {
        if (client is not null)
            _open.Remove(client);
    }
}
