namespace StreamApi.Security;

/// <summary>
/// Accepted JSON Web Tokens (RFC 7519). Issuer and audience must match exactly; <c>exp</c> and <c>sub</c> are required.
/// </summary>
internal sealed class JwtOptions
{
    /// <summary>The only accepted issuer (<c>iss</c>).</summary>
    public string Issuer { get; set; } = "";

    /// <summary>The audience (<c>aud</c>) that a token must name.</summary>
    public string Audience { get; set; } = "";

    /// <summary>Address of the issuer, which publishes its RS256, PS256 or ES256 keys under
    /// <c>/.well-known/openid-configuration</c>.</summary>
    public string Authority { get; set; } = "";

    public IList<JwtKeyOptions> Keys { get; } = [];

    public bool IsConfigured => Keys.Count > 0 || Authority.Length > 0;
}
