using System.Net;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace Unit.Security;

public sealed class AddressConnectionsTests
{
    private static readonly IPAddress Ann = IPAddress.Parse("192.0.2.1");

    [Fact]
    public void An_address_has_its_number_of_connections_and_takes_nothing_from_another()
    {
        var open = Connections(max: 2);
        Assert.True(open.TryOpen(Ann, out var first));
        Assert.True(open.TryOpen(Ann.MapToIPv6(), out _));

        for (var i = 0; i < 3; i++)
        {
            Assert.False(open.TryOpen(Ann, out var refused));
            Assert.Null(refused);
        }

        Assert.True(open.TryOpen(IPAddress.Parse("192.0.2.2"), out _));

        // A refused connection does not count, so one that closes makes room for one.
        open.Close(first);
        Assert.True(open.TryOpen(Ann, out _));
        Assert.False(open.TryOpen(Ann, out _));
    }

    [Fact]
    public void An_address_whose_connections_have_all_closed_has_its_whole_number_again()
    {
        var open = Connections(max: 2);
        for (var round = 0; round < 3; round++)
        {
            Assert.True(open.TryOpen(Ann, out var first));
            Assert.True(open.TryOpen(Ann, out var second));
            Assert.False(open.TryOpen(Ann, out _));
            open.Close(first);
            open.Close(second);
        }
    }

    [Fact]
    public void The_addresses_of_an_IPv6_network_are_one_client()
    {
        var open = Connections(max: 1);
        Assert.True(open.TryOpen(IPAddress.Parse("2001:db8:1:2::a"), out _));
        Assert.False(open.TryOpen(IPAddress.Parse("2001:db8:1:2:ffff::b"), out _));
        Assert.True(open.TryOpen(IPAddress.Parse("2001:db8:1:3::a"), out _));
    }

    [Theory]
    [InlineData(1, "192.0.2.0/24")]
    [InlineData(LimitOptions.Unlimited, "10.0.0.1")]
    public void Proxies_and_servers_without_the_limit_have_any_number(int max, string proxy)
    {
        var open = Connections(max, proxy);

        for (var i = 0; i < 10; i++)
        {
            Assert.True(open.TryOpen(Ann.MapToIPv6(), out var client));
            Assert.Null(client);
            open.Close(client);
        }

        Assert.Equal(max < LimitOptions.Unlimited, open.IsEnabled);
    }

    private static AddressConnections Connections(int max, params string[] proxies)
    {
        var security = new SecurityOptions();
        foreach (var proxy in proxies)
            security.Proxies.Add(proxy);

        return new AddressConnections(
            Options.Create(new LimitOptions { ConnectionsPerAddress = max }),
            Options.Create(security)
        );
    }
}
