using System.Net;
using Harness;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace Unit.Security;

public class ConnectionRateLimitTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Connections_beyond_one_seconds_burst_are_paced_and_closed_if_they_would_wait_too_long()
    {
        var pace = Pace(perSecond: 10);
        var busy = IPAddress.Parse("192.0.2.1");

        for (var i = 0; i < 10; i++)
            Assert.Equal(TimeSpan.Zero, pace.TakeTurn(busy));

        for (var i = 1; i <= 100; i++)
            Assert.Equal(TimeSpan.FromSeconds(i / 10.0), pace.TakeTurn(busy));

        Assert.Null(pace.TakeTurn(busy));
        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("192.0.2.2")));

        _time.Advance(TimeSpan.FromSeconds(1));
        // Refused connections use no permit.
        Assert.Equal(TimeSpan.FromSeconds(9.1), pace.TakeTurn(busy));
        _time.Advance(TimeSpan.FromMinutes(1));

        for (var i = 0; i < 10; i++)
            Assert.Equal(TimeSpan.Zero, pace.TakeTurn(busy));

        Assert.NotEqual(TimeSpan.Zero, pace.TakeTurn(busy));
    }

    [Fact]
    public void A_connection_that_finds_the_queue_full_is_refused_and_costs_nothing()
    {
        var pace = Pace(perSecond: 1, places: 1);
        var one = IPAddress.Parse("192.0.2.1");
        var other = IPAddress.Parse("192.0.2.2");

        foreach (var address in (IPAddress[])[one, other])
            Assert.Equal(TimeSpan.Zero, pace.TakeTurn(address));

        Assert.Equal(TimeSpan.FromSeconds(1), pace.TakeTurn(one));

        for (var i = 0; i < 5; i++)
            Assert.Null(pace.TakeTurn(other));

        // Who keeps its rate does not wait, so it needs no room.
        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("192.0.2.3")));
        pace.EndWait();
        Assert.Equal(TimeSpan.FromSeconds(1), pace.TakeTurn(other));
    }

    [Fact]
    public void An_IPv6_network_is_one_client_and_an_IPv4_address_is_the_same_in_IPv6()
    {
        var pace = Pace(perSecond: 1);

        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("2001:db8:1:2::a")));
        Assert.Equal(TimeSpan.FromSeconds(1), pace.TakeTurn(IPAddress.Parse("2001:db8:1:2:ffff::b")));
        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("2001:db8:1:3::a")));
        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(TimeSpan.FromSeconds(1), pace.TakeTurn(IPAddress.Parse("::ffff:192.0.2.1")));
    }

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("192.0.2.0/24")]
    [InlineData("::ffff:192.0.2.7")]
    [InlineData("::ffff:192.0.2.0/120")]
    public void A_proxy_is_let_through_however_it_is_written(string proxy)
    {
        var pace = Pace(perSecond: 1, proxies: [proxy, "2001:db8::/32"]);

        foreach (var address in (string[])["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"])
            for (var i = 0; i < 100; i++)
                Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse(address)));

        Assert.Equal(TimeSpan.Zero, pace.TakeTurn(IPAddress.Parse("192.0.3.7")));
        Assert.Equal(TimeSpan.FromSeconds(1), pace.TakeTurn(IPAddress.Parse("192.0.3.7")));
    }

    private ConnectionRateLimit Pace(int perSecond, int places = 1_000, params string[] proxies)
    {
        var security = new SecurityOptions();
        foreach (var proxy in proxies)
            security.Proxies.Add(proxy);

        return new ConnectionRateLimit(
            Options.Create(new LimitOptions { ConnectionsPerSecond = perSecond }),
            Options.Create(security),
            _time,
            places
        );
    }
}
