namespace StreamApi.Security;

/// <summary>A signing key, bound to one algorithm.</summary>
internal sealed class JwtKeyOptions
{
    /// <summary>Key id (<c>kid</c>); empty: tried for every token of its algorithm.</summary>
    public string Id { get; set; } = "";

    /// <summary><c>HS256</c> or <c>RS256</c>.</summary>
    public string Algorithm { get; set; } = "";

    /// <summary>For HS256: the shared secret, at least 32 bytes.</summary>
    public string Secret { get; set; } = "";

    /// <summary>For RS256: the public key, PEM, at least 2,048 bits.</summary>
    public string PublicKey { get; set; } = "";
}
