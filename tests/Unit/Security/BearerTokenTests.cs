using System.Security.Cryptography;
using System.Text;
using Harness;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Credentials;

namespace Unit.Security;

/// <summary>The rules of RFC 7519 and 8725 for a server that accepts tokens.</summary>
public sealed class BearerTokenTests : IDisposable
{
    private readonly BearerTokens _tokens = new(Options.Create(Trusting()), TimeProvider.System);

    public void Dispose() => _tokens.Dispose();

    [Theory]
    [InlineData("HS256")]
    [InlineData("RS256")]
    public void A_token_of_the_issuer_names_its_user_and_grants(string algorithm)
    {
        var caller = _tokens.Verify(Tokens.Sign(Tokens.Claims("ann", ["orders.>"], ["logs.*"]), algorithm));
        Assert.Equal("ann", caller.User);
        Assert.True(
            caller.Grants.MayRead("orders.1") && caller.Grants.MayPublish("logs.1") && !caller.Grants.MayRead("logs.1")
        );
        Assert.InRange(caller.Until!.Value, DateTimeOffset.UtcNow.AddMinutes(59), DateTimeOffset.UtcNow.AddMinutes(61));
    }

    [Fact]
    public void Grants_may_be_one_string_with_spaces_as_scopes_are() =>
        Assert.True(_tokens.Verify(Tokens.Sign(With("sse.subscribe", "a.b orders.>"))).Grants.MayRead("orders.1"));

    [Fact]
    public void An_audience_may_be_one_of_several() =>
        Assert.Equal("ann", _tokens.Verify(Tokens.Sign(With("aud", new[] { "other", Tokens.Audience }))).User);

    public static TheoryData<string, string> Refused =>
        new()
        {
            { "unsigned", $"{Part("""{"alg":"none"}""")}.{Claims()}." },
            { "signed with a secret of somebody else", Tokens.Sign(Tokens.Claims("ann"), secret: new byte[32]) },
            // The public key is not secret: a token signed with it as a shared secret must be rejected.
            {
                "signed with the public key as a secret",
                Tokens.Sign(
                    Tokens.Claims("ann"),
                    "HS256",
                    new { alg = "HS256", kid = "rsa" },
                    Encoding.UTF8.GetBytes(Tokens.Rsa.ExportSubjectPublicKeyInfoPem())
                )
            },
            { "of another algorithm", Tokens.Sign(Tokens.Claims("ann"), "HS256", new { alg = "HS512" }) },
            {
                "with another key's id",
                Tokens.Sign(Tokens.Claims("ann"), "RS256", new { alg = "RS256", kid = "other" })
            },
            {
                "with critical extensions",
                Tokens.Sign(Tokens.Claims("ann"), "HS256", new { alg = "HS256", crit = new[] { "b64" } })
            },
            {
                "with two algorithms",
                Part("""{"alg":"none","alg":"HS256"}""")
                    + $".{Claims()}.{Tokens.Sign(Tokens.Claims("ann")).Split('.')[2]}"
            },
            { "changed", Tokens.Sign(Tokens.Claims("ann")).Split('.') is var p ? $"{p[0]}.{Claims()}.{p[2]}" : "" },
            { "expired", Tokens.Sign(Tokens.Claims("ann", life: TimeSpan.FromSeconds(-1))) },
            { "without an end", Tokens.Sign(With("exp", null, remove: true)) },
            { "with an end that is no time", Tokens.Sign(With("exp", "tomorrow")) },
            { "with an end beyond time", Tokens.Sign(With("exp", 1e300)) },
            { "not valid yet", Tokens.Sign(With("nbf", DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds())) },
            { "of another issuer", Tokens.Sign(With("iss", "https://evil.test")) },
            { "without an issuer", Tokens.Sign(With("iss", null, remove: true)) },
            { "for another audience", Tokens.Sign(With("aud", "other")) },
            { "without a user", Tokens.Sign(With("sub", "")) },
            { "with a user that would forge a line of a log", Tokens.Sign(With("sub", "ann\nroot")) },
            { "with grants that are none", Tokens.Sign(With("sse.subscribe", new[] { "a..b" })) },
            { "with grants that are numbers", Tokens.Sign(With("sse.subscribe", new[] { 1 })) },
            { "encrypted", "e30.e30.e30.e30.e30" },
            { "empty", ".." },
            { "of garbage", "a.b.c" },
            { "with an algorithm that is no text", Part("""{"alg":"\ud800"}""") + ".e30.e30" },
            { "with a name that is no text", Part("""{"\ud800":1}""") + ".e30.e30" },
            { "too long", new string('a', 9_000) + ".b.c" },
            { "deep", $"{Part(string.Concat(Enumerable.Repeat("[", 5_000)))}.e30.e30" },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_refused_token_is_not_quoted(string what, string token)
    {
        var refused = Assert.Throws<InvalidCredentialException>(() => _tokens.Verify(token));
        Assert.False(refused.Message.Contains("ann", StringComparison.Ordinal), what);
    }

    [Fact]
    public void A_key_is_found_by_its_hash_alone()
    {
        var keys = new ApiKeys(Options.Create(Trusting()));
        Assert.Equal("key:job", keys.Verify("the key").User);
        foreach (
            var wrong in (string[])
                ["the ke", "the key ", "", Convert.ToHexString(SHA256.HashData("the key"u8)), new string('a', 10_000)]
        )
            Assert.Throws<InvalidCredentialException>(() => keys.Verify(wrong));
    }

    private static SecurityOptions Trusting()
    {
        var options = new SecurityOptions
        {
            Jwt = new JwtOptions { Issuer = Tokens.Issuer, Audience = Tokens.Audience },
        };
        options.Jwt.Keys.Add(
            new JwtKeyOptions
            {
                Algorithm = "RS256",
                Id = "rsa",
                PublicKey = Tokens.Rsa.ExportSubjectPublicKeyInfoPem(),
            }
        );
        options.Jwt.Keys.Add(new JwtKeyOptions { Algorithm = "HS256", Secret = Tokens.Secret });
        options.ApiKeys.Add(
            new ApiKeyOptions { Name = "job", Sha256 = Convert.ToHexString(SHA256.HashData("the key"u8)) }
        );
        return options;
    }

    private static Dictionary<string, object?> With(string name, object? value, bool remove = false)
    {
        var claims = Tokens.Claims("ann", ["a.b"]);
        if (remove)
            claims.Remove(name);
        else
            claims[name] = value;
        return claims;
    }

    private static string Claims() => Tokens.Sign(Tokens.Claims("root", [">"])).Split('.')[1];

    private static string Part(string json) =>
        System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
