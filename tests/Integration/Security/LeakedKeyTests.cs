using System.Net;
using Harness;

namespace Integration.Security;

/// <summary>A key that leaked ends with everything that was bought with it.</summary>
public sealed class LeakedKeyTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    [Fact]
    public async Task A_ticket_ends_with_its_key_and_with_the_keys_right_to_its_topics()
    {
        var rs256 = Tokens.Sign(Tokens.Claims("ann", ["orders.>"]), "RS256");
        var tickets = new[]
        {
            (
                "another key of this name",
                HttpStatusCode.Unauthorized,
                await TicketAsync(null, SecureSystem.OperatorKey)
            ),
            ("fewer topics", HttpStatusCode.Unauthorized, await TicketAsync(null, SecureSystem.NamesakeKey)),
            (
                "another signing key",
                HttpStatusCode.Unauthorized,
                await TicketAsync(Tokens.Of("ann", subscribe: ["orders.>"]), null)
            ),
            ("the same signing key", HttpStatusCode.OK, await TicketAsync(rs256, null)),
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
            var path = $"/v1/events/stream?topic=orders.a&ticket={ticket}";
            Assert.Equal(
                (what, HttpStatusCode.OK),
                (what, await SecureSystem.StatusAsync(shared.World.A, HttpMethod.Get, path))
            );
            Assert.Equal((what, expected), (what, await SecureSystem.StatusAsync(later.Url, HttpMethod.Get, path)));
        }
        await shared.World.System.StopAsync(later);
    }

    [Fact]
    public async Task A_changed_secret_of_tickets_is_used_by_every_replica()
    {
        var before = await TicketAsync(null, SecureSystem.OperatorKey);
        await using (
            var change = shared.World.System.Database.CreateCommand(
                """
                update eventstore.secrets set value = sha256(value) where name = 'tickets'
                """
            )
        )
            await change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        foreach (var replica in (Uri[])[shared.World.A, shared.World.B])
            await Eventually.HoldsAsync(
                async () => await StatusAsync(replica, before) == HttpStatusCode.Unauthorized,
                "the replica refuses tickets of the earlier secret"
            );
        Assert.Equal(
            HttpStatusCode.OK,
            await StatusAsync(shared.World.B, await TicketAsync(null, SecureSystem.OperatorKey))
        );
    }

    private static Task<HttpStatusCode> StatusAsync(Uri server, string ticket) =>
        SecureSystem.StatusAsync(server, HttpMethod.Get, $"/v1/events/stream?topic=orders.a&ticket={ticket}");

    private async Task<string> TicketAsync(string? token, string? key) =>
        (
            await SecureSystem.JsonAsync(
                shared.World.A,
                HttpMethod.Post,
                "/v1/stream-tickets",
                token,
                new { topics = new[] { "orders.a" } },
                key
            )
        )
            .GetProperty("ticket")
            .GetString()!;
}
