using System.Security.Cryptography;
using Harness;

namespace Integration.Security;

/// <summary>A replica whose tokens come from an issuer that publishes its keys.</summary>
public sealed class IssuerTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Stream = "GET /v1/events/stream?topic=orders.a";

    [Fact]
    public async Task A_ticket_is_bound_to_the_issuer_and_outlives_the_key_of_its_token()
    {
        using var next = RSA.Create(2_048);
        await using var issuer = await TokenIssuer.StartAsync();
        issuer.Keys = [TokenIssuer.KeyOf(Tokens.Rsa, "first")];

        await using var replica = await shared.World.System.StartReplicaAsync(
            new()
            {
                ["Security__Jwt__Authority"] = issuer.Url,
                // The issuer's keys alone verify RS256.
                ["Security__Jwt__Keys__1__Algorithm"] = "HS256",
                ["Security__Jwt__Keys__1__Secret"] = new string('s', 32),
            }
        );
        var ticket = await replica.Url.TicketAsync(Token("first", Tokens.Rsa));

        issuer.Keys = [TokenIssuer.KeyOf(next, "second")];
        await replica.Url.ExpectAsync(200, Stream, Token("second", next));
        await replica.Url.ExpectAsync(401, Stream, Token("first", Tokens.Rsa));
        Assert.Equal(2, issuer.Reads);
        await replica.Url.ExpectAsync(200, $"{Stream}&ticket={ticket}");

        // A replica that does not trust the issuer.
        await shared.World.A.ExpectAsync(401, $"{Stream}&ticket={ticket}");
        await shared.World.System.StopAsync(replica);
    }

    private static string Token(string id, RSA key) => TokenIssuer.Token("ann", id, key);
}
