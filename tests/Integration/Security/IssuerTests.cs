using System.Net;
using System.Security.Cryptography;
using Harness;

namespace Integration.Security;

/// <summary>A replica whose tokens come from an issuer that publishes its keys.</summary>
public sealed class IssuerTests(AssemblyWide<SecureSystem> shared) : IClassFixture<AssemblyWide<SecureSystem>>
{
    private const string Path = "/v1/events/stream?topic=orders.a";

    [Fact]
    public async Task A_replica_whose_issuer_does_not_answer_refuses_its_tokens_with_503_and_nothing_else()
    {
        await using var replica = await StartAsync($"http://127.0.0.1:{FreePort.Take()}");
        using (var response = await SecureSystem.SendAsync(replica.Url, HttpMethod.Get, Path, Token("a", Tokens.Rsa)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(5), response.Headers.RetryAfter?.Delta);
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica.Url, Path, Tokens.Of("ann", ["orders.>"])));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica.Url, Path, "a.b.c"));
        await shared.World.System.StopAsync(replica);
    }

    [Fact]
    public async Task A_ticket_is_bound_to_the_issuer_and_outlives_the_key_of_its_token()
    {
        using var next = RSA.Create(2_048);
        await using var issuer = await TokenIssuer.StartAsync();
        issuer.Keys = [TokenIssuer.KeyOf(Tokens.Rsa, "first")];
        await using var replica = await StartAsync(issuer.Url);
        var ticket = await TicketAsync(replica.Url, Token("first", Tokens.Rsa));

        issuer.Keys = [TokenIssuer.KeyOf(next, "second")];
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica.Url, Path, Token("second", next)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(replica.Url, Path, Token("first", Tokens.Rsa)));
        Assert.Equal(2, issuer.Reads);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(replica.Url, $"{Path}&ticket={ticket}"));

        // A replica that does not trust the issuer.
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(shared.World.A, $"{Path}&ticket={ticket}"));
        await shared.World.System.StopAsync(replica);
    }

    private static string Token(string id, RSA key) => TokenIssuer.Token("ann", id, key);

    private static Task<HttpStatusCode> StatusAsync(Uri server, string path, string? token = null) =>
        SecureSystem.StatusAsync(server, HttpMethod.Get, path, token);

    private static async Task<string> TicketAsync(Uri server, string token)
    {
        var body = new { topics = new[] { "orders.a" } };
        var issued = await SecureSystem.JsonAsync(server, HttpMethod.Post, "/v1/stream-tickets", token, body);
        return issued.GetProperty("ticket").GetString()!;
    }

    private Task<RunningService> StartAsync(string authority) =>
        shared.World.System.StartReplicaAsync(
            new()
            {
                ["Security__Jwt__Authority"] = authority,
                // The issuer's keys alone verify RS256.
                ["Security__Jwt__Keys__1__Algorithm"] = "HS256",
                ["Security__Jwt__Keys__1__Secret"] = new string('s', 32),
            }
        );
}
