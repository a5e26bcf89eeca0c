using System.Security.Cryptography;
using System.Text;
using Microsoft.IdentityModel.Tokens;

namespace StreamApi.Security.Credentials;

/// <summary>A key that verifies signatures of one algorithm (RFC 8725 §3.1). Safe for use by several threads.</summary>
internal sealed class TrustedKey(SecurityKey key, string algorithm, string fingerprint) : IDisposable
{
    private readonly SignatureProvider _signatures = CryptoProviderFactory.Default.CreateForVerifying(
        key,
        algorithm,
        cacheProvider: false
    );

    /// <summary>Name of the key, or of its issuer, in tickets.</summary>
    public string Fingerprint => fingerprint;

    public static TrustedKey Of(JwtKeyOptions options)
    {
        SecurityKey key =
            options.Algorithm == "HS256"
                ? new SymmetricSecurityKey(Encoding.UTF8.GetBytes(options.Secret))
                : PublicKeyOf(options.PublicKey);
        key.KeyId = options.Id;

        var fingerprint = Caller.FingerprintOf(Encoding.UTF8.GetBytes(options.Secret + options.PublicKey));
        return new TrustedKey(key, options.Algorithm, fingerprint);
    }

    /// <summary>True if this key signed the content. A key without an id is tried for every token of its algorithm, as
    /// every key is for a token without one.</summary>
    public bool Signed(byte[] content, byte[] signature, string alg, string? kid) =>
        alg == algorithm
        && (kid is null || key.KeyId is null or "" || key.KeyId == kid)
        && signature.Length > 0
        && _signatures.Verify(content, signature);

    public void Dispose() => _signatures.Dispose();

    private static RsaSecurityKey PublicKeyOf(string pem)
    {
        using var rsa = RSA.Create();
        rsa.ImportFromPem(pem);
        // By its parameters: all threads would share the RSA object.
        return new RsaSecurityKey(rsa.ExportParameters(includePrivateParameters: false));
    }
}
