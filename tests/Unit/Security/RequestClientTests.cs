using System.Net;
using Harness;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using Streaming.Connections;
using Streaming.Opening;

namespace Unit.Security;

/// <summary>The client to which a request counts, and the rights that its streams keep.</summary>
public sealed class RequestClientTests
{
    private static readonly DateTimeOffset Until = DateTimeOffset.UnixEpoch.AddHours(1);

    private readonly DefaultHttpContext _context = new();
    private readonly CallerAccess _access = new(Options.Create(new SecurityOptions { RenewSeconds = 60 }));

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")]
    [InlineData(null, "")]
    public void Without_a_user_the_client_is_the_address_or_the_IPv6_network(string? address, string key)
    {
        _context.Connection.RemoteIpAddress = address is null ? null : IPAddress.Parse(address);
        Assert.Equal((key, key), (Caller.KeyOf(_context).Person, _access.ClientOf(_context).Account));
    }

    [Fact]
    public void A_user_is_one_client_at_every_address_and_is_no_address()
    {
        _context.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.1");
        var address = Caller.KeyOf(_context).Person;
        _context.Features.Set(new Caller("192.0.2.1", TopicGrants.None));

        var user = Caller.KeyOf(_context).Person;
        Assert.NotEqual(address, user);
        _context.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.2");
        Assert.Equal((user, user), (Caller.KeyOf(_context).Person, Caller.PublisherOf(_context)));
    }

    /// <summary>A key serves many people, and a token one.</summary>
    [Theory]
    [InlineData("key:shop", 1_000)]
    [InlineData("ann", 1)]
    public void A_ticket_of_a_key_is_a_person_of_its_own_and_those_of_a_token_are_its_user(string user, int persons)
    {
        var tickets = Enumerable
            .Range(0, 1_000)
            .Select(_ =>
            {
                _context.Features.Set(new Caller(user, TopicGrants.None, Ticket: Guid.NewGuid()));
                return Caller.KeyOf(_context);
            })
            .ToList();
        Assert.Equal(persons, tickets.Select(t => t.Person).Distinct().Count());
        Assert.Equal(ClientKey.OfUser(user).Account, tickets.Select(t => t.Account).Distinct().Single());
    }

    [Fact]
    public void Without_users_each_connection_publishes_for_itself()
    {
        _context.Connection.RemoteIpAddress = IPAddress.Parse("192.0.2.1");
        _context.Connection.Id = "one";
        Assert.Equal("one", Caller.PublisherOf(_context));
    }

    [Fact]
    public void A_stream_keeps_the_expiry_of_its_credential_and_announces_it_in_time()
    {
        Assert.Equal(StreamGrant.Endless, CallerGrant.Of(_context, _access.CallerOf(_context)));
        _context.Features.Set(new Caller("ann", TopicGrants.None, Until));
        _context.RequestServices = new ServiceCollection()
            .AddSingleton<TimeProvider>(new ManualTime())
            .BuildServiceProvider();
        var (expiry, session, _) = CallerGrant.Of(_context, _access.CallerOf(_context));
        Assert.Equal((Until, 60_000, null), (expiry.Until, expiry.EndsAt - expiry.RenewAt, session));
    }

    [Fact]
    public void A_ticket_reads_its_topics_and_owns_no_run()
    {
        _context.Features.Set(new Caller("ann", new TopicGrants(["orders.>"], [])));
        Assert.Equal("ann", _access.OwnerOf(_context));
        _context.Features.Set(new Caller("ann", new TopicGrants(["orders.>"], []), Ticket: Guid.NewGuid()));
        Assert.Null(_access.OwnerOf(_context));
        Assert.Equal((true, false), (_access.MayRead(_context, "orders.1"), _access.MayRead(_context, "stock")));
    }
}
