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
        Development = "Development",
        Hash = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        TooOpen = "Security:OpenOnLoopback",
        Unnamed = "Security:Jwt:Issuer and Security:Jwt:Audience are required",
        Address = "Security:Jwt:Authority must be an https address",
        Secret = "Keys:0: an HS256 secret",
        NoRsa = "Keys:0: PublicKey is not an RSA public key",
        Algorithm = "Keys:0: Algorithm must be HS256 or RS256";

    /// <summary>Changes of settings with which the server starts in Production, and what it says to them. Null if it
    /// still starts.</summary>
    private static readonly (string What, string? Wrong, Action<SecurityOptions> Change)[] Table =
    [
        ("no access without credentials", null, o => o.OpenOnLoopback = false),
        ("access without credentials", TooOpen, o => o.OpenOnLoopback = true),
        ("no issuer", Unnamed, o => o.Jwt.Issuer = ""),
        ("no audience", Unnamed, o => o.Jwt.Audience = ""),
        ("an authority", null, o => o.Jwt.Authority = "https://issuer.test"),
        ("an authority with a path", null, o => o.Jwt.Authority = "https://issuer.test/realms/a/"),
        ("an authority on this machine", null, o => o.Jwt.Authority = "http://127.0.0.1:8080"),
        ("an authority by http", Address, o => o.Jwt.Authority = "http://issuer.test"),
        ("an authority with a query", Address, o => o.Jwt.Authority = "https://issuer.test?a=b"),
        ("an authority with a user", Address, o => o.Jwt.Authority = "https://user@issuer.test"),
        ("an authority without a scheme", Address, o => o.Jwt.Authority = "issuer.test"),
        ("an authority that is a file", Address, o => o.Jwt.Authority = "file:///etc/keys"),
        ("an authority alone", Unnamed, o => o.Jwt = new JwtOptions { Authority = "https://issuer.test" }),
        // Bytes count, not characters.
        ("a secret of 31 bytes", Secret, o => o.Jwt.Keys[0].Secret = new('x', 31)),
        ("a secret of 32 bytes", null, o => o.Jwt.Keys[0].Secret = new('x', 32)),
        ("a secret of 15 letters of two bytes", Secret, o => o.Jwt.Keys[0].Secret = new('é', 15)),
        ("a secret of 16 letters of two bytes", null, o => o.Jwt.Keys[0].Secret = new('é', 16)),
        ("an RSA key", null, o => AddPublic(o, Tokens.Rsa.ExportSubjectPublicKeyInfoPem())),
        ("a short RSA key", "Keys:0: an RS256 key must have at least 2048 bits", o => AddPublic(o, Pem(1_024))),
        ("an elliptic key", NoRsa, o => AddPublic(o, Pem(0))),
        ("a key that is none", NoRsa, o => AddPublic(o, "none")),
        ("an empty key", NoRsa, o => AddPublic(o, "")),
        ("HS512", Algorithm, o => o.Jwt.Keys[0].Algorithm = "HS512"),
        ("an algorithm in small letters", Algorithm, o => o.Jwt.Keys[0].Algorithm = "hs256"),
        ("none as an algorithm", Algorithm, o => o.Jwt.Keys[0].Algorithm = "none"),
        ("no algorithm", Algorithm, o => o.Jwt.Keys[0].Algorithm = ""),
        ("an API key of no name", "Name is required", o => AddKey(o, name: "")),
        ("an API key of a letter", null, o => AddKey(o, name: "n")),
        ("an API key of 256 letters", null, o => AddKey(o, name: new('n', 256))),
        ("an API key of 257 letters", "Name is required", o => AddKey(o, name: new('n', 257))),
        ("a name that would forge a line of a log", "ApiKeys:0: Name", o => AddKey(o, name: "job\nroot")),
        ("a hash of 63 digits", "ApiKeys:0: Sha256", o => AddKey(o, Hash[1..])),
        ("a hash in capitals", null, o => AddKey(o, Hash.ToUpperInvariant())),
        ("a hash of 65 digits", "ApiKeys:0: Sha256", o => AddKey(o, Hash + "a")),
        ("a hash with another letter", "ApiKeys:0: Sha256", o => AddKey(o, Hash[1..] + "g")),
        ("grants", null, o => AddKey(o, subscribe: "orders.>", publish: "$sys.>")),
        (
            "a grant of an empty part",
            "'orders..a' is neither a topic nor a pattern",
            o => AddKey(o, publish: "orders..a")
        ),
        ("a grant beyond its end", "'a.>.b' is neither a topic nor a pattern", o => AddKey(o, subscribe: "a.>.b")),
        ("a proxy", null, o => o.Proxies.Add("10.0.0.1")),
        ("a network of proxies", null, o => o.Proxies.Add("10.0.0.0/8")),
        ("a proxy of IPv6", null, o => o.Proxies.Add("::1")),
        ("a network that is none", "Security:Proxies: '10.0.0.0/33'", o => o.Proxies.Add("10.0.0.0/33")),
        ("a proxy's name", "Security:Proxies: 'proxy.local'", o => o.Proxies.Add("proxy.local")),
    ];

    public static TheoryData<string> Rows => [.. Table.Select(row => row.What)];

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_server_starts_or_says_which_setting_is_wrong(string what)
    {
        var (_, wrong, change) = Table.Single(row => row.What == what);
        var options = WithSecret();
        change(options);

        var problems = ProblemsOf(options);

        if (wrong is null)
            Assert.Empty(problems);
        else
            Assert.Contains(wrong, Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Production, false)]
    [InlineData("Staging", false)]
    [InlineData(Development, true)]
    public void Only_Development_starts_without_configured_access(string environment, bool starts) =>
        Assert.Equal(starts, ProblemsOf(new SecurityOptions(), environment).Count == 0);

    [Fact]
    public void One_API_key_is_enough_to_start_and_in_Development_access_may_be_open_beside_it()
    {
        var options = new SecurityOptions();
        AddKey(options);
        Assert.Empty(ProblemsOf(options));
        options.OpenOnLoopback = true;
        Assert.Empty(ProblemsOf(options, Development));
    }

    [Fact]
    public void All_problems_are_reported_at_once_each_with_its_place()
    {
        var options = WithSecret();
        options.Jwt.Keys.Add(new JwtKeyOptions { Algorithm = "none" });
        AddKey(options);
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

    private static SecurityOptions WithSecret()
    {
        var options = new SecurityOptions
        {
            Jwt = new JwtOptions { Issuer = Tokens.Issuer, Audience = Tokens.Audience },
        };
        options.Jwt.Keys.Add(new JwtKeyOptions { Algorithm = "HS256", Secret = Tokens.Secret });
        return options;
    }

    private static void AddPublic(SecurityOptions options, string pem) =>
        options.Jwt.Keys[0] = new JwtKeyOptions { Algorithm = "RS256", PublicKey = pem };

    /// <summary>A public key of RSA with this many bits, or of an elliptic curve.</summary>
    private static string Pem(int bits)
    {
        using AsymmetricAlgorithm key = bits > 0 ? RSA.Create(bits) : ECDsa.Create();
        return key.ExportSubjectPublicKeyInfoPem();
    }

    private static void AddKey(
        SecurityOptions options,
        string hash = Hash,
        string name = "job",
        string subscribe = "orders.>",
        string publish = "orders.>"
    )
    {
        var key = new ApiKeyOptions { Name = name, Sha256 = hash };
        key.Subscribe.Add(subscribe);
        key.Publish.Add(publish);
        options.ApiKeys.Add(key);
    }

    private static List<string> ProblemsOf(SecurityOptions options, string environment = Production) =>
        [
            .. new ValidateSecurityOptions(new HostingEnvironment { EnvironmentName = environment })
                .Validate(null, options)
                .Failures
                ?? [],
        ];
}
