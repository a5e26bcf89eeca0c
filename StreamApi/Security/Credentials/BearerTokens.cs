using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Credentials;

/// <summary>
/// Verifies JSON Web Tokens: <c>base64url(header).base64url(claims).base64url(signature)</c>, signed with HS256 or
/// RS256 (RFC 7515, 7519). Follows RFC 8725: each key is bound to one algorithm, keys come from the configuration only,
/// and issuer, audience, <c>exp</c> and <c>sub</c> are required.
/// </summary>
internal sealed class BearerTokens : IDisposable
{
    private const int MaxLength = 8_192,
        MaxGrants = 1_000;
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    private readonly JwtOptions _options;
    private readonly TimeProvider _clock;
    private readonly List<SigningKey> _keys;

    public BearerTokens(IOptions<SecurityOptions> options, TimeProvider clock)
    {
        (_options, _clock) = (options.Value.Jwt, clock);
        _keys =
        [
            .. _options.Keys.Select(k => k.Algorithm == "HS256" ? (SigningKey)new SecretKey(k) : new PublicKey(k)),
        ];
    }

    /// <summary>Distinguishes a JSON Web Token (two dots) from an API key.</summary>
    public static bool IsToken(string text) => text.AsSpan().Count('.') == 2;

    /// <summary>True if the signing key of this fingerprint is configured (<see cref="Caller.Key"/>).</summary>
    public bool Trusts(string fingerprint) => _keys.Exists(k => k.Fingerprint == fingerprint);

    /// <exception cref="InvalidCredentialException">The token is rejected. The message holds nothing of the token's
    /// content.</exception>
    public Caller Verify(string token)
    {
        if (token.Length > MaxLength)
            throw new InvalidCredentialException($"The token is longer than {MaxLength} characters.");
        try
        {
            return VerifyParts(token, token.IndexOf('.'), token.LastIndexOf('.'));
        }
        catch (InvalidOperationException)
        {
            // Text with an unpaired surrogate.
            throw new InvalidCredentialException("The token is malformed.");
        }
    }

    public void Dispose()
    {
        foreach (var key in _keys)
            key.Dispose();
    }

    private Caller VerifyParts(string token, int first, int last)
    {
        using var header = Part(token.AsSpan(0, first));
        if (header.RootElement.TryGetProperty("crit", out _))
            throw new InvalidCredentialException("The token has critical extensions (crit); none is supported.");
        var key =
            KeyOf(token, last, Text(header.RootElement, "alg") ?? "", Text(header.RootElement, "kid"))
            ?? throw new InvalidCredentialException("The token is not signed with a key that this server trusts.");
        using var claims = Part(token.AsSpan(first + 1, last - first - 1));
        return Read(claims.RootElement) with { Key = key.Fingerprint };
    }

    private SigningKey? KeyOf(string token, int last, string algorithm, string? id)
    {
        var signature = Decoded(token.AsSpan(last + 1));
        var content = Encoding.ASCII.GetBytes(token, 0, last);
        foreach (var key in _keys)
            if (
                key.Algorithm == algorithm
                && (id is null || key.Id.Length == 0 || key.Id == id)
                && key.IsSignatureOf(content, signature)
            )
                return key;
        return null;
    }

    private Caller Read(JsonElement claims)
    {
        var now = _clock.GetUtcNow();
        if (Text(claims, "iss") != _options.Issuer)
            throw new InvalidCredentialException("The token is from an untrusted issuer (iss).");
        if (!Texts(claims, "aud", separator: null).Contains(_options.Audience))
            throw new InvalidCredentialException("The token is not for this server (aud).");
        if (Timestamp(claims, "exp") is not { } until)
            throw new InvalidCredentialException("The token has no expiry (exp).");
        if (until <= now)
            throw new InvalidCredentialException("The token has expired.");
        if (Timestamp(claims, "nbf") > now + ClockSkew)
            throw new InvalidCredentialException("The token is not valid yet (nbf).");
        if (Text(claims, "sub") is not { Length: > 0 and <= Caller.MaxName } user || user.Any(char.IsControl))
            throw new InvalidCredentialException("The token names no user (sub).");
        return new Caller(
            Caller.UserOfToken(user),
            new TopicGrants(Grants(claims, "sse.subscribe"), Grants(claims, "sse.publish")),
            until
        );
    }

    private static string[] Grants(JsonElement claims, string name)
    {
        var grants = Texts(claims, name);
        if (grants.Length > MaxGrants)
            throw new InvalidCredentialException($"The claim {name} has more than {MaxGrants} patterns.");
        return grants.All(TopicGrants.IsGrant)
            ? grants
            : throw new InvalidCredentialException(
                $"The claim {name} has an entry that is neither a topic nor a pattern."
            );
    }

    /// <summary>Reads a list of strings, or one space-separated string (like <c>scope</c>, RFC 8693 §4.2).</summary>
    private static string[] Texts(JsonElement claims, string name, char? separator = ' ')
    {
        if (!claims.TryGetProperty(name, out var value))
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return separator is { } between
                ? value.GetString()!.Split(between, StringSplitOptions.RemoveEmptyEntries)
                : [value.GetString()!];
        return
            value.ValueKind == JsonValueKind.Array
            && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(v => v.GetString()!)]
            : throw new InvalidCredentialException($"The claim {name} is not a list of strings.");
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DateTimeOffset? Timestamp(JsonElement claims, string name)
    {
        if (!claims.TryGetProperty(name, out var value))
            return null;
        // NumericDate may have a fraction; DateTimeOffset ends with the year 9999.
        return
            value.ValueKind == JsonValueKind.Number
            && value.TryGetDouble(out var seconds)
            && seconds is >= 0 and < 253_402_300_799
            ? DateTimeOffset.UnixEpoch.AddSeconds(seconds)
            : throw new InvalidCredentialException($"The claim {name} is not a time.");
    }

    private static JsonDocument Part(ReadOnlySpan<char> encoded)
    {
        try
        {
            var document = JsonDocument.Parse(Decoded(encoded), Strict);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
        }
        catch (JsonException) { }
        throw new InvalidCredentialException("The token is malformed.");
    }

    private static byte[] Decoded(ReadOnlySpan<char> encoded)
    {
        try
        {
            return Base64Url.DecodeFromChars(encoded);
        }
        catch (FormatException)
        {
            throw new InvalidCredentialException("The token is malformed.");
        }
    }

    private abstract class SigningKey(JwtKeyOptions options) : IDisposable
    {
        public string Id => options.Id;
        public string Algorithm => options.Algorithm;
        public string Fingerprint { get; } =
            Caller.FingerprintOf(Encoding.UTF8.GetBytes(options.Secret + options.PublicKey));
        public abstract bool IsSignatureOf(byte[] content, byte[] signature);

        public virtual void Dispose() { }
    }

    private sealed class SecretKey(JwtKeyOptions options) : SigningKey(options)
    {
        private readonly byte[] _secret = Encoding.UTF8.GetBytes(options.Secret);

        public override bool IsSignatureOf(byte[] content, byte[] signature) =>
            CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(_secret, content), signature);
    }

    /// <summary>Keeps one RSA object per thread, because RSA is not thread-safe.</summary>
    private sealed class PublicKey(JwtKeyOptions options) : SigningKey(options)
    {
        private readonly ThreadLocal<RSA> _rsa = new(
            () =>
            {
                var rsa = RSA.Create();
                rsa.ImportFromPem(options.PublicKey);
                return rsa;
            },
            trackAllValues: true
        );

        public override bool IsSignatureOf(byte[] content, byte[] signature) =>
            _rsa.Value!.VerifyData(content, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

        public override void Dispose()
        {
            base.Dispose();
            foreach (var rsa in _rsa.Values)
                rsa.Dispose();
            _rsa.Dispose();
        }
    }
}

/// <summary>A rejected credential. The message is sent to the client and holds nothing of the credential.</summary>
internal sealed class InvalidCredentialException(string message) : Exception(message);
