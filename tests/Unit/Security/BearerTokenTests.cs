using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Harness;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Credentials;

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

    /// <summary>Tokens, and a topic that their user may read.</summary>
    public static TheoryData<string, string> Accepted =>
        new()
        {
            { Tokens.Sign(With("sse.subscribe", "a.b orders.>")), "orders.1" }, // as scopes are
            { Tokens.Sign(With("aud", new[] { "other", Tokens.Audience })), "a.b" },
            { Tokens.Sign(With("nbf", 0)), "a.b" },
            { Tokens.Sign(With("exp", 253_402_300_798)), "a.b" },
            { Tokens.Sign(With("sub", new string('u', 256))), "a.b" },
            { Tokens.Sign(With("sse.subscribe", Enumerable.Repeat("a", 1_000).ToArray())), "a" },
            { Tokens.Sign(Tokens.Claims("ann", ["a.b"]), "RS256", new { alg = "RS256" }), "a.b" },
            { Tokens.Sign(Tokens.Claims("ann", ["a.b"]), "RS256", new { alg = "RS256", kid = "rsa" }), "a.b" },
            { Tokens.Sign(Tokens.Claims("ann", ["a.b"]), "HS256", new { alg = "HS256", kid = "any" }), "a.b" },
        };

    [Theory]
    // Signed with a key of this process, which is not the one that lists the tests.
    [MemberData(nameof(Accepted), DisableDiscoveryEnumeration = true)]
    public void A_token_within_the_rules_is_accepted(string token, string topic) =>
        Assert.True(_tokens.Verify(token).Grants.MayRead(topic));

    [Fact]
    public void A_token_without_claims_of_topics_is_valid_and_grants_none()
    {
        var claims = Tokens.Claims("ann");
        claims.Remove("sse.subscribe");
        claims.Remove("sse.publish");
        var grants = _tokens.Verify(Tokens.Sign(claims)).Grants;
        Assert.False(grants.MayRead("orders.1") || grants.MayPublish("orders.1"));
    }

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

    /// <summary>Tokens that this issuer did not make, and texts that are no tokens.</summary>
    public static TheoryData<string, string, string> Forged
    {
        get
        {
            var ann = Tokens.Claims("ann");
            var root = Claims();
            var parts = Tokens.Sign(ann).Split('.');
            var publicKey = Encoding.UTF8.GetBytes(Tokens.Rsa.ExportSubjectPublicKeyInfoPem());
            var deep = string.Concat(Enumerable.Repeat("[", 5_000));

            return new()
            {
                { "unsigned", $"{Part("""{"alg":"none"}""")}.{root}.", Untrusted },
                { "of another secret", Tokens.Sign(ann, secret: new byte[32]), Untrusted },
                // The public key is not secret: a token signed with it as a shared secret must be rejected.
                {
                    "of the public key",
                    Tokens.Sign(ann, "HS256", new { alg = "HS256", kid = "rsa" }, publicKey),
                    Untrusted
                },
                { "of an unknown key", Tokens.Sign(ann, "RS256", new { alg = "RS256", kid = "other" }), Untrusted },
                { "of another algorithm", Tokens.Sign(ann, "HS256", new { alg = "HS512" }), Untrusted },
                { "of extensions", Tokens.Sign(ann, "HS256", new { alg = "HS256", crit = new[] { "b64" } }), "(crit)" },
                { "of two algorithms", $"{Part("""{"alg":"none","alg":"HS256"}""")}.{root}.{parts[2]}", Malformed },
                { "changed", $"{parts[0]}.{root}.{parts[2]}", Untrusted },
                { "expired", Tokens.Sign(Tokens.Claims("ann", life: TimeSpan.FromSeconds(-1))), "has expired" },
                { "encrypted", "e30.e30.e30.e30.e30", Untrusted },
                { "empty", "..", Malformed },
                { "of garbage", "a.b.c", Malformed },
                { "of a list", $"{Part("[]")}.e30.e30", Malformed },
                { "of an algorithm that is no text", $"{Part("""{"alg":"\ud800"}""")}.e30.e30", Malformed },
                { "of a name that is no text", $"{Part("""{"\ud800":1}""")}.e30.e30", "The token " },
                { "of the maximum length", new string('a', 8_188) + ".b.c", Malformed },
                { "too long", new string('a', 8_189) + ".b.c", "longer than 8192 characters" },
                { "deep", $"{Part(deep)}.e30.e30", Malformed },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Forged))]
    public void A_forged_token_is_refused_and_not_quoted(string what, string token, string says) =>
        AssertRefused(token, says, what);

    [Theory]
    [InlineData("exp", null, "no expiry (exp)")]
    [InlineData("exp", "\"tomorrow\"", "claim exp is not a time")]
    [InlineData("exp", "1e300", "claim exp is not a time")]
    [InlineData("exp", "253402300799", "claim exp is not a time")]
    [InlineData("nbf", "-1", "claim nbf is not a time")]
    [InlineData("nbf", "253402300798", "(nbf)")]
    [InlineData("iss", "\"https://evil.test\"", "(iss)")]
    [InlineData("iss", null, "(iss)")]
    [InlineData("aud", "\"other\"", "(aud)")]
    [InlineData("aud", "\"other aspire-sse\"", "(aud)")]
    [InlineData("aud", null, "(aud)")]
    [InlineData("sub", "\"\"", "(sub)")]
    [InlineData("sub", "7", "(sub)")]
    [InlineData("sub", "\"ann\\nroot\"", "(sub)")] // would forge a line of a log
    [InlineData("sse.subscribe", """["a..b"]""", "sse.subscribe has an entry")]
    [InlineData("sse.subscribe", """["orders.>","a..b"]""", "sse.subscribe has an entry")]
    [InlineData("sse.publish", """["orders.>",1]""", "sse.publish is not a list of strings")]
    [InlineData("sse.publish", "[1]", "sse.publish is not a list of strings")]
    public void A_wrong_claim_is_named_and_the_token_not_quoted(string claim, string? json, string says) =>
        AssertRefused(
            Tokens.Sign(With(claim, json is null ? null : JsonNode.Parse(json), remove: json is null)),
            says,
            claim
        );

    [Fact]
    public void A_user_has_at_most_256_characters_and_a_claim_1000_patterns()
    {
        AssertRefused(Tokens.Sign(With("sub", new string('u', 257))), "(sub)", "sub");
        var grants = Enumerable.Repeat("a", 1_001).ToArray();
        AssertRefused(Tokens.Sign(With("sse.publish", grants)), "sse.publish has more than 1000 patterns", "grants");
    }

    private void AssertRefused(string token, string says, string what)
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
        var options = Trusting();
        var key = new string('k', length);
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
