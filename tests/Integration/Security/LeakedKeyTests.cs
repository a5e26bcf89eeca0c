using Harness;

namespace Integration.Security;

/// <summary>A key that leaked ends with everything that was bought with it.</summary>
public sealed class LeakedKeyTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Stream = "GET /v1/events/stream?topic=orders.a&ticket=";

    private Uri A => shared.World.A;

    [Fact]
    public async Task A_ticket_ends_with_its_key_and_with_the_keys_right_to_its_topics()
    {
        var rs256 = Tokens.Sign(Tokens.Claims("ann", ["orders.>"]), "RS256");
        var tickets = new[]
        {
            ("another key of this name", 401, await A.TicketAsync(SecureSystem.OperatorKey)),
            ("fewer topics", 401, await A.TicketAsync(SecureSystem.NamesakeKey)),
            ("another signing key", 401, await A.TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]))),
            ("the same signing key", 200, await A.TicketAsync(rs256)),
        };

        // As after a change of the configuration and a restart.
        await using var later = await shared.World.System.StartReplicaAsync(
            new()
            {
                ["Security__ApiKeys__0__Sha256"] = new string('0', 64),
                ["Security__ApiKeys__2__Subscribe__0"] = "logs.>",
                ["Security__Jwt__Keys__0__Secret"] = "another secret of forty-one bytes or more",
            }
        );
        foreach (var (what, expected, ticket) in tickets)
        {
            await A.ExpectAsync(200, Stream + ticket);
            Assert.Equal((what, expected), (what, await later.Url.StatusAsync(Stream + ticket)));
        }

        await shared.World.System.StopAsync(later);
    }

    [Fact]
    public async Task A_changed_secret_of_tickets_is_used_by_every_replica()
    {
        // On a system of its own: the tickets of other tests would end, too.
        await using var system = await World.Start(o =>
            o.Replicas(2).Broadcasters(0).Set(SecureSystem.Settings).ApiKey(SecureSystem.OperatorKey)
        );
        var (one, other) = (system.Replicas[0].Url, system.Replicas[1].Url);
        var before = await one.TicketAsync(SecureSystem.OperatorKey);

        await system.Database.ExecuteAsync(
            "update eventstore.secrets set value = sha256(value) where name = 'tickets'"
        );

        foreach (var replica in (Uri[])[one, other])
            await Eventually.HoldsAsync(
                async () => await replica.StatusAsync(Stream + before) == 401,
                "the replica refuses tickets of the earlier secret"
            );

        await other.ExpectAsync(200, Stream + await one.TicketAsync(SecureSystem.OperatorKey));
    }
}
