using System.Security.Cryptography;
using System.Text;
using Harness;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Credentials;
using Unit.Client;

namespace Unit.Security;

/// <summary>The rules of RFC 7519 and 8725 for a server that accepts tokens.</summary>
public sealed class BearerTokenTests : IDisposable
{
    private const string Untrusted = "not signed with a key that this server trusts",
        Malformed = "malformed";

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
    public void A_token_without_claims_of_topics_is_valid_and_grants_none()
    {
        var claims = Tokens.Claims("ann");
        claims.Remove("sse.subscribe");
        claims.Remove("sse.publish");
        var grants = _tokens.Verify(Tokens.Sign(claims)).Grants;
        Assert.False(grants.MayRead("orders.1") || grants.MayPublish("orders.1"));
    }

    [Fact]
    public void An_audience_may_be_one_of_several() =>
        Assert.Equal("ann", _tokens.Verify(Tokens.Sign(With("aud", new[] { "other", Tokens.Audience }))).User);

    [Theory]
    [InlineData("exp", 0, false)]
    [InlineData("exp", 0.5, true)]
    [InlineData("nbf", 30, true)]
    [InlineData("nbf", 31, false)]
    public void A_token_is_valid_until_its_end_and_from_half_a_minute_before_its_beginning(
        string claim,
        double seconds,
        bool isValid
    )
    {
        var time = new ManualTime();
        time.Advance(TimeSpan.FromDays(1));
        using var tokens = new BearerTokens(Options.Create(Trusting()), time);
        var claims = With("exp", 90_000);
        claims[claim] = TimeSpan.FromDays(1).TotalSeconds + seconds;
        Assert.Equal(isValid, IsValid(tokens, Tokens.Sign(claims)));
    }

    [Theory]
    [InlineData("nbf", -1, false)]
    [InlineData("nbf", 0, true)]
    [InlineData("exp", 253_402_300_798, true)]
    [InlineData("exp", 253_402_300_799, false)]
    public void A_time_is_from_1970_to_the_year_9999(string claim, long seconds, bool isTime)
    {
        var token = Tokens.Sign(With(claim, seconds));
        if (isTime)
            Assert.Equal("ann", _tokens.Verify(token).User);
        else
            Assert.Contains(
                $"claim {claim} is not a time",
                Assert.Throws<InvalidCredentialException>(() => _tokens.Verify(token)).Message,
                StringComparison.Ordinal
            );
    }

    [Theory]
    [InlineData("RS256", null, true)]
    [InlineData("RS256", "rsa", true)]
    [InlineData("RS256", "other", false)]
    [InlineData("HS256", "any", true)]
    public void A_key_with_an_id_verifies_tokens_that_name_it_or_no_key(string algorithm, string? id, bool isValid)
    {
        var header = new Dictionary<string, string> { ["alg"] = algorithm };
        if (id is not null)
            header["kid"] = id;
        Assert.Equal(isValid, IsValid(_tokens, Tokens.Sign(Tokens.Claims("ann"), algorithm, header)));
    }

    [Theory]
    [InlineData(1, 256, true)]
    [InlineData(1, 257, false)]
    [InlineData(1_000, 3, true)]
    [InlineData(1_001, 3, false)]
    public void A_token_has_at_most_1000_patterns_and_a_user_of_256_characters(int grants, int user, bool isValid)
    {
        var claims = Tokens.Claims(new string('u', user), [.. Enumerable.Repeat("a", grants)]);
        Assert.Equal(isValid, IsValid(_tokens, Tokens.Sign(claims)));
    }

    [Fact]
    public void The_key_that_signed_a_token_is_trusted_by_servers_that_have_it()
    {
        var (shared, rsa) = (KeyOf("HS256"), KeyOf("RS256"));
        Assert.NotEqual(shared, rsa);
        Assert.True(_tokens.Trusts(shared) && _tokens.Trusts(rsa));
        var changed = Trusting();
        changed.Jwt.Keys[1].Secret += "!";
        using var other = new BearerTokens(Options.Create(changed), TimeProvider.System);
        Assert.Equal((false, true), (other.Trusts(shared), other.Trusts(rsa)));

        string KeyOf(string algorithm) => _tokens.Verify(Tokens.Sign(Tokens.Claims("ann"), algorithm)).Key!;
    }

    public static TheoryData<string, string, string> Refused =>
        new()
        {
            { "unsigned", $"{Part("""{"alg":"none"}""")}.{Claims()}.", Untrusted },
            {
                "signed with a secret of somebody else",
                Tokens.Sign(Tokens.Claims("ann"), secret: new byte[32]),
                Untrusted
            },
            // The public key is not secret: a token signed with it as a shared secret must be rejected.
            {
                "signed with the public key as a secret",
                Tokens.Sign(
                    Tokens.Claims("ann"),
                    "HS256",
                    new { alg = "HS256", kid = "rsa" },
                    Encoding.UTF8.GetBytes(Tokens.Rsa.ExportSubjectPublicKeyInfoPem())
                ),
                Untrusted
            },
            { "of another algorithm", Tokens.Sign(Tokens.Claims("ann"), "HS256", new { alg = "HS512" }), Untrusted },
            {
                "with critical extensions",
                Tokens.Sign(Tokens.Claims("ann"), "HS256", new { alg = "HS256", crit = new[] { "b64" } }),
                "(crit)"
            },
            {
                "with two algorithms",
                Part("""{"alg":"none","alg":"HS256"}""")
                    + $".{Claims()}.{Tokens.Sign(Tokens.Claims("ann")).Split('.')[2]}",
                Malformed
            },
            {
                "changed",
                Tokens.Sign(Tokens.Claims("ann")).Split('.') is var p ? $"{p[0]}.{Claims()}.{p[2]}" : "",
                Untrusted
            },
            { "expired", Tokens.Sign(Tokens.Claims("ann", life: TimeSpan.FromSeconds(-1))), "has expired" },
            { "without an end", Tokens.Sign(With("exp", null, remove: true)), "no expiry (exp)" },
            { "with an end that is no time", Tokens.Sign(With("exp", "tomorrow")), "claim exp is not a time" },
            { "with an end beyond time", Tokens.Sign(With("exp", 1e300)), "claim exp is not a time" },
            {
                "not valid yet",
                Tokens.Sign(With("nbf", DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds())),
                "(nbf)"
            },
            { "of another issuer", Tokens.Sign(With("iss", "https://evil.test")), "(iss)" },
            { "without an issuer", Tokens.Sign(With("iss", null, remove: true)), "(iss)" },
            { "for another audience", Tokens.Sign(With("aud", "other")), "(aud)" },
            { "for an audience of two words", Tokens.Sign(With("aud", $"other {Tokens.Audience}")), "(aud)" },
            { "without an audience", Tokens.Sign(With("aud", null, remove: true)), "(aud)" },
            { "without a user", Tokens.Sign(With("sub", "")), "(sub)" },
            { "with a user that is a number", Tokens.Sign(With("sub", 7)), "(sub)" },
            { "with a user that would forge a line of a log", Tokens.Sign(With("sub", "ann\nroot")), "(sub)" },
            {
                "with grants that are none",
                Tokens.Sign(With("sse.subscribe", new[] { "a..b" })),
                "sse.subscribe has an entry"
            },
            {
                "with one grant of several that is none",
                Tokens.Sign(With("sse.subscribe", new[] { "orders.>", "a..b" })),
                "sse.subscribe has an entry"
            },
            {
                "with one grant of several that is a number",
                Tokens.Sign(With("sse.publish", new object[] { "orders.>", 1 })),
                "sse.publish is not a list of strings"
            },
            {
                "with grants that are numbers",
                Tokens.Sign(With("sse.publish", new[] { 1 })),
                "sse.publish is not a list of strings"
            },
            {
                "with too many grants",
                Tokens.Sign(With("sse.publish", Enumerable.Repeat("a", 1_001).ToArray())),
                "sse.publish has more than 1000 patterns"
            },
            { "encrypted", "e30.e30.e30.e30.e30", Untrusted },
            { "empty", "..", Malformed },
            { "of garbage", "a.b.c", Malformed },
            { "of a list", $"{Part("[]")}.e30.e30", Malformed },
            { "with an algorithm that is no text", Part("""{"alg":"\ud800"}""") + ".e30.e30", Malformed },
            { "with a name that is no text", Part("""{"\ud800":1}""") + ".e30.e30", "The token " },
            { "of garbage, of the maximum length", new string('a', 8_188) + ".b.c", Malformed },
            { "too long", new string('a', 8_189) + ".b.c", "longer than 8192 characters" },
            { "deep", $"{Part(string.Concat(Enumerable.Repeat("[", 5_000)))}.e30.e30", Malformed },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_refusal_says_what_is_wrong_and_does_not_quote_the_token(string what, string token, string says)
    {
        var refused = Assert.Throws<InvalidCredentialException>(() => _tokens.Verify(token));
        Assert.False(refused.Message.Contains("ann", StringComparison.Ordinal), what);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
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

    [Theory]
    [InlineData(512, true)]
    [InlineData(513, false)]
    public void A_key_has_at_most_512_characters(int length, bool isKnown)
    {
        var (options, key) = (Trusting(), new string('k', length));
        options.ApiKeys.Add(KeyOf("long", key));
        var keys = new ApiKeys(Options.Create(options));
        Assert.Equal(!isKnown, Record.Exception(() => keys.Verify(key)) is InvalidCredentialException);
    }

    /// <summary>Tickets name the key that bought them by its user and fingerprint.</summary>
    [Fact]
    public void A_key_that_took_over_the_name_of_another_is_not_that_key()
    {
        var (options, changed) = (Trusting(), Trusting());
        options.ApiKeys.Add(KeyOf("other", "another key"));
        changed.ApiKeys[0] = KeyOf("job", "a new key");
        var (keys, later) = (new ApiKeys(Options.Create(options)), new ApiKeys(Options.Create(changed)));
        var job = keys.Verify("the key");
        Assert.Equal("key:other", keys.Verify("another key").User);
        Assert.Equal(job, keys.Find("key:job", job.Key));
        Assert.Equal(job, keys.Find("key:job", fingerprint: null));
        Assert.Null(keys.Find("key:other", job.Key));
        Assert.Null(keys.Find("key:none", fingerprint: null));
        Assert.Null(later.Find("key:job", job.Key));
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
        options.ApiKeys.Add(KeyOf("job", "the key"));
        return options;
    }

    private static ApiKeyOptions KeyOf(string name, string key) =>
        new() { Name = name, Sha256 = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key))) };

    private static bool IsValid(BearerTokens tokens, string token)
    {
        try
        {
            return tokens.Verify(token).Until is not null;
        }
        catch (InvalidCredentialException)
        {
            return false;
        }
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
