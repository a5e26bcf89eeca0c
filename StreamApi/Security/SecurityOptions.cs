using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace StreamApi.Security;

/// <summary>Access to this server; section <c>Security</c>.</summary>
/// <remarks>What is internal here is a constant for operators: no key sets it. Tests make it smaller.</remarks>
internal sealed class SecurityOptions
{
    /// <summary>Bearer tokens of a trusted issuer.</summary>
    public JwtOptions Jwt { get; set; } = new();

    /// <summary>API keys.</summary>
    public IList<ApiKeyOptions> ApiKeys { get; } = [];

    /// <summary>Grants requests from this machine without credentials full access; not allowed outside
    /// Development.</summary>
    public bool? OpenOnLoopback { get; set; }

    /// <summary>Addresses or networks (<c>10.0.0.0/8</c>) of proxies whose <c>X-Forwarded-For</c>, <c>-Proto</c>
    /// and <c>-Prefix</c> are trusted.</summary>
    public IList<string> Proxies { get; } = [];

    /// <summary>Seconds before expiry at which a stream announces it, unless it starts within twice that
    /// time.</summary>
    internal int RenewSeconds { get; set; } = 30;

    /// <summary>
    /// The network of a <see cref="Proxies"/> entry. IPv4 may be written as IPv6 (<c>::ffff:10.0.0.1</c>).
    /// </summary>
    /// <exception cref="FormatException">The entry is neither an address nor a network.</exception>
    public static IPNetwork NetworkOf(string proxy)
    {
        var network = IPAddress.TryParse(proxy, out var address)
            ? new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32)
            : IPNetwork.Parse(proxy);
        const int Mapped = 96; // RFC 4291 §2.5.5.2
        return network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= Mapped
            ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - Mapped)
            : network;
    }

    /// <summary>Networks of the <see cref="Proxies"/>.</summary>
    internal IReadOnlyList<IPNetwork> ProxyNetworks => field ??= [.. Proxies.Select(NetworkOf)];

    /// <summary>Returns true for an address of a proxy, which carries many clients.</summary>
    public bool IsProxy(IPAddress address)
    {
        foreach (var network in ProxyNetworks)
            if (network.Contains(address))
                return true;

        return false;
    }

    public void SetDefaults(IHostEnvironment environment) => OpenOnLoopback ??= environment.IsDevelopment();

    /// <summary>True if any token issuer or API key is configured.</summary>
    public bool IsConfigured => Jwt.IsConfigured || ApiKeys.Count > 0;
}

/// <summary>An API key: the holder's name and the hash of the key. The key itself is in no configuration.</summary>
internal sealed class ApiKeyOptions
{
    /// <summary>Name of the holder; the user in logs and limits is <c>key:</c> and this name.</summary>
    public string Name { get; set; } = "";

    /// <summary>SHA-256 of the key in hex. A key must be long and random (<c>openssl rand -base64 32</c>).</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>Topics and patterns that the holder may read. <c>$sys.&gt;</c> lists the open streams.</summary>
    public IList<string> Subscribe { get; } = [];

    /// <summary>Topics and patterns that the holder may publish to. <c>$sys.connections</c> closes streams,
    /// <c>$sys.erasures</c> erases events.</summary>
    public IList<string> Publish { get; } = [];
}

internal sealed class ValidateSecurityOptions(IHostEnvironment environment) : IValidateOptions<SecurityOptions>
{
    public const string NotConfigured =
        "No access is configured, and outside Development the server does not start without it. "
        + "Set Security:Jwt (Issuer, Audience, and Authority or Keys:0:Algorithm and :Secret or :PublicKey), "
        + "or Security:ApiKeys:0 (Name, Sha256, Subscribe:0, Publish:0); "
        + "as environment variables Security__ApiKeys__0__Name and so on. docs/security.md has examples.";

    public ValidateOptionsResult Validate(string? name, SecurityOptions options)
    {
        var wrong = Problems(options).ToList();
        return wrong.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(wrong);
    }

    private IEnumerable<string> Problems(SecurityOptions options)
    {
        if (!environment.IsDevelopment())
        {
            if (!options.IsConfigured)
                yield return NotConfigured;
            if (options.OpenOnLoopback == true)
                yield return "Security:OpenOnLoopback is for Development alone: "
                    + "behind a proxy on this machine every request comes from it.";
        }

        if (options.Jwt.IsConfigured && (options.Jwt.Issuer.Length == 0 || options.Jwt.Audience.Length == 0))
            yield return "Security:Jwt:Issuer and Security:Jwt:Audience are required: "
                + "a token issued for another server must not be accepted.";

        if (options.Jwt.Authority.Length > 0 && !IsAuthority(options.Jwt.Authority))
            yield return "Security:Jwt:Authority must be an https address without a query: "
                + "whoever can change its keys can be any user. http is for this machine alone.";

        for (var i = 0; i < options.Jwt.Keys.Count; i++)
            if (Problem(options.Jwt.Keys[i]) is { } wrong)
                yield return $"Security:Jwt:Keys:{i}: {wrong}";

        for (var i = 0; i < options.ApiKeys.Count; i++)
            if (Problem(options.ApiKeys[i]) is { } wrong)
                yield return $"Security:ApiKeys:{i}: {wrong}";

        foreach (var proxy in options.Proxies)
            if (!IPNetwork.TryParse(proxy, out _) && !IPAddress.TryParse(proxy, out _))
                yield return $"Security:Proxies: '{proxy}' is neither an address nor a network (10.0.0.0/8).";
    }

    private static bool IsAuthority(string authority) =>
        Uri.TryCreate(authority, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
        && uri.Query.Length + uri.Fragment.Length + uri.UserInfo.Length == 0;

    private static string? Problem(JwtKeyOptions key)
    {
        switch (key.Algorithm)
        {
            case "HS256":
                return Encoding.UTF8.GetByteCount(key.Secret) >= 32
                    ? null
                    : "an HS256 secret must have at least 32 bytes (RFC 7518 §3.2): openssl rand -base64 48.";

            case "RS256":
                using (var rsa = RSA.Create())
                {
                    try
                    {
                        rsa.ImportFromPem(key.PublicKey);
                    }
                    catch (Exception e) when (e is ArgumentException or CryptographicException)
                    {
                        return "PublicKey is not an RSA public key in PEM.";
                    }
                    return rsa.KeySize >= 2_048 ? null : "an RS256 key must have at least 2048 bits (RFC 7518 §3.3).";
                }

            default:
                return "Algorithm must be HS256 or RS256.";
        }
    }

    private static string? Problem(ApiKeyOptions key)
    {
        if (key.Name.Length is 0 or > Caller.MaxName || key.Name.Any(char.IsControl))
            return "Name is required and has at most 256 characters.";
        if (key.Sha256.Length != 64 || !key.Sha256.All(char.IsAsciiHexDigit))
            return "Sha256 must be the hash of the key in 64 hex digits: printf %s \"$KEY\" | sha256sum.";

        return key.Subscribe.Concat(key.Publish).FirstOrDefault(p => !TopicGrants.IsGrant(p)) is { } wrong
            ? $"'{wrong}' is neither a topic nor a pattern."
            : null;
    }
}
