using System.Net;
using System.Security.Cryptography;
using Harness;
using Microsoft.Extensions.Hosting.Internal;
using StreamApi.Security;

namespace Unit.Security;

/// <summary>The settings of access with which the server starts.</summary>
public sealed class SecurityOptionsTests
{
    private const string Production = "Production",
        Development = "Development";
    private static readonly string Hash = new('a', 64);

    [Theory]
    [InlineData(Production, false)]
    [InlineData("Staging", false)]
    [InlineData(Development, true)]
    public void Only_Development_starts_without_configured_access(string environment, bool starts) =>
        Assert.Equal(starts, ProblemsOf(new SecurityOptions(), environment).Count == 0);

    [Fact]
    public void One_API_key_or_one_issuer_is_enough_to_start()
    {
        Assert.Empty(ProblemsOf(WithKey(new ApiKeyOptions { Name = "job", Sha256 = Hash })));
        Assert.Empty(ProblemsOf(WithSecret(Tokens.Secret)));
    }

    [Theory]
    [InlineData(Production, true, false)]
    [InlineData(Production, false, true)]
    [InlineData(Development, true, true)]
    public void Access_without_credentials_is_for_Development_alone(string environment, bool isOpen, bool starts)
    {
        var options = WithSecret(Tokens.Secret);
        options.OpenOnLoopback = isOpen;
        AssertStarts(starts, options, "Security:OpenOnLoopback", environment);
    }

    [Theory]
    [InlineData(0, 100, "Security:RenewSeconds")]
    [InlineData(3_601, 100, "Security:RenewSeconds")]
    [InlineData(30, 0, "Security:MaxTicketTopics")]
    [InlineData(30, 10_001, "Security:MaxTicketTopics")]
    [InlineData(1, 1, null)]
    [InlineData(3_600, 10_000, null)]
    public void Numbers_are_within_their_range(int renewSeconds, int ticketTopics, string? wrong)
    {
        var options = WithSecret(Tokens.Secret);
        options.RenewSeconds = renewSeconds;
        options.MaxTicketTopics = ticketTopics;
        AssertStarts(wrong is null, options, wrong);
    }

    [Theory]
    [InlineData("", "sse", false)]
    [InlineData("https://issuer.test", "", false)]
    [InlineData("https://issuer.test", "sse", true)]
    public void Tokens_need_both_an_issuer_and_an_audience(string issuer, string audience, bool starts)
    {
        var options = WithSecret(Tokens.Secret);
        options.Jwt.Issuer = issuer;
        options.Jwt.Audience = audience;
        AssertStarts(starts, options, "Security:Jwt:Issuer and Security:Jwt:Audience are required");
    }

    [Theory]
    [InlineData("https://issuer.test", true)]
    [InlineData("https://issuer.test/realms/a/", true)]
    [InlineData("http://127.0.0.1:8080", true)]
    [InlineData("http://issuer.test", false)]
    [InlineData("https://issuer.test?a=b", false)]
    [InlineData("https://user@issuer.test", false)]
    [InlineData("issuer.test", false)]
    [InlineData("file:///etc/keys", false)]
    public void An_authority_is_an_https_address_or_one_of_this_machine(string authority, bool starts)
    {
        var options = new SecurityOptions
        {
            Jwt = new JwtOptions
            {
                Issuer = Tokens.Issuer,
                Audience = Tokens.Audience,
                Authority = authority,
            },
        };
        AssertStarts(starts, options, "Security:Jwt:Authority must be an https address");
    }

    [Fact]
    public void An_authority_needs_an_issuer_and_an_audience_as_keys_do()
    {
        var options = new SecurityOptions { Jwt = new JwtOptions { Authority = "https://issuer.test" } };
        AssertStarts(false, options, "Security:Jwt:Issuer and Security:Jwt:Audience are required");
    }

    [Theory]
    [InlineData("x", 31, false)]
    [InlineData("x", 32, true)]
    [InlineData("é", 15, false)]
    [InlineData("é", 16, true)]
    public void A_shared_secret_has_at_least_32_bytes_not_characters(string character, int count, bool starts) =>
        AssertStarts(starts, WithSecret(string.Concat(Enumerable.Repeat(character, count))), "Keys:0: an HS256 secret");

    public static TheoryData<string, string?> PublicKeys
    {
        get
        {
            using var weak = RSA.Create(1_024);
            using var elliptic = ECDsa.Create();
            return new()
            {
                { Tokens.Rsa.ExportSubjectPublicKeyInfoPem(), null },
                { weak.ExportSubjectPublicKeyInfoPem(), "Keys:0: an RS256 key must have at least 2048 bits" },
                { elliptic.ExportSubjectPublicKeyInfoPem(), "Keys:0: PublicKey is not an RSA public key" },
                { "none", "Keys:0: PublicKey is not an RSA public key" },
                { "", "Keys:0: PublicKey is not an RSA public key" },
            };
        }
    }

    [Theory]
    [MemberData(nameof(PublicKeys))]
    public void A_public_key_is_an_RSA_key_of_at_least_2048_bits(string pem, string? wrong) =>
        AssertStarts(wrong is null, WithKey(new JwtKeyOptions { Algorithm = "RS256", PublicKey = pem }), wrong);

    [Theory]
    [InlineData("HS512")]
    [InlineData("hs256")]
    [InlineData("none")]
    [InlineData("")]
    public void Other_algorithms_are_refused(string algorithm) =>
        AssertStarts(
            false,
            WithKey(new JwtKeyOptions { Algorithm = algorithm, Secret = Tokens.Secret }),
            "Keys:0: Algorithm must be HS256 or RS256"
        );

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void The_name_of_an_API_key_has_1_to_256_characters(int length, bool starts) =>
        AssertStarts(starts, WithKey(new ApiKeyOptions { Name = new('n', length), Sha256 = Hash }), "Name is required");

    [Fact]
    public void The_name_of_an_API_key_cannot_forge_a_line_of_a_log() =>
        AssertStarts(false, WithKey(new ApiKeyOptions { Name = "job\nroot", Sha256 = Hash }), "ApiKeys:0: Name");

    [Theory]
    [InlineData("a", 63, false)]
    [InlineData("a", 64, true)]
    [InlineData("A", 64, true)]
    [InlineData("a", 65, false)]
    [InlineData("g", 64, false)]
    [InlineData("ag", 32, false)]
    public void The_hash_of_an_API_key_has_64_hex_digits(string digit, int length, bool starts) =>
        AssertStarts(
            starts,
            WithKey(new ApiKeyOptions { Name = "job", Sha256 = string.Concat(Enumerable.Repeat(digit, length)) }),
            "ApiKeys:0: Sha256"
        );

    [Theory]
    [InlineData("orders.>", "$sys.>", null)]
    [InlineData("orders.>", "orders..a", "'orders..a' is neither a topic nor a pattern")]
    [InlineData("a.>.b", "orders.>", "'a.>.b' is neither a topic nor a pattern")]
    public void The_grants_of_an_API_key_are_topics_or_patterns(string subscribe, string publish, string? wrong)
    {
        var key = new ApiKeyOptions { Name = "job", Sha256 = Hash };
        key.Subscribe.Add(subscribe);
        key.Publish.Add(publish);
        AssertStarts(wrong is null, WithKey(key), wrong);
    }

    [Theory]
    [InlineData("10.0.0.1", true)]
    [InlineData("10.0.0.0/8", true)]
    [InlineData("::1", true)]
    [InlineData("10.0.0.0/33", false)]
    [InlineData("proxy.local", false)]
    public void A_proxy_is_an_address_or_a_network(string proxy, bool starts)
    {
        var options = WithSecret(Tokens.Secret);
        options.Proxies.Add(proxy);
        AssertStarts(starts, options, $"Security:Proxies: '{proxy}'");
    }

    [Fact]
    public void All_problems_are_reported_at_once_each_with_its_place()
    {
        var options = WithSecret(Tokens.Secret);
        options.Jwt.Keys.Add(new JwtKeyOptions { Algorithm = "none" });
        options.ApiKeys.Add(new ApiKeyOptions { Name = "job", Sha256 = Hash });
        options.ApiKeys.Add(new ApiKeyOptions());
        var problems = ProblemsOf(options);
        Assert.Equal(2, problems.Count);
        Assert.StartsWith("Security:Jwt:Keys:1: ", problems[0], StringComparison.Ordinal);
        Assert.StartsWith("Security:ApiKeys:1: ", problems[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7/32")]
    [InlineData("2001:db8::7", "2001:db8::7/128")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7/32")]
    [InlineData("::ffff:0.0.0.0/96", "0.0.0.0/0")]
    [InlineData("2001:db8::/95", "2001:db8::/95")]
    public void An_IPv4_proxy_that_is_written_as_IPv6_is_the_same_proxy(string written, string network) =>
        Assert.Equal(IPNetwork.Parse(network), SecurityOptions.NetworkOf(written));

    private static SecurityOptions WithSecret(string secret) =>
        WithKey(new JwtKeyOptions { Algorithm = "HS256", Secret = secret });

    private static SecurityOptions WithKey(JwtKeyOptions key)
    {
        var options = new SecurityOptions
        {
            Jwt = new JwtOptions { Issuer = Tokens.Issuer, Audience = Tokens.Audience },
        };
        options.Jwt.Keys.Add(key);
        return options;
    }

    private static SecurityOptions WithKey(ApiKeyOptions key)
    {
        var options = new SecurityOptions();
        options.ApiKeys.Add(key);
        return options;
    }

    private static void AssertStarts(
        bool starts,
        SecurityOptions options,
        string? wrong,
        string environment = Production
    )
    {
        var problems = ProblemsOf(options, environment);
        if (starts)
            Assert.Empty(problems);
        else
            Assert.Contains(wrong!, Assert.Single(problems), StringComparison.Ordinal);
    }

    private static List<string> ProblemsOf(SecurityOptions options, string environment = Production) =>
        [
            .. new ValidateSecurityOptions(new HostingEnvironment { EnvironmentName = environment })
                .Validate(null, options)
                .Failures
                ?? [],
        ];
}
