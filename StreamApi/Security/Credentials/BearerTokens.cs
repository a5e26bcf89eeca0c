using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Credentials;

/// <summary>
/// Verifies JSON Web Tokens: <c>base64url(header).base64url(claims).base64url(signature)</c> (RFC 7515, 7519). As in
/// RFC 8725, each key is bound to one algorithm, keys come from the configuration or its issuer only, and issuer,
/// audience, <c>exp</c> and <c>sub</c> are required.
/// </summary>
internal sealed class BearerTokens : IDisposable
{
    private const int MaxLength = 8_192,
        MaxGrants = 1_000;
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    private readonly JwtOptions _options;
    private readonly TimeProvider _clock;
    private readonly List<TrustedKey> _keys;
    private readonly IssuerKeys? _issuer;

    public BearerTokens(IOptions<SecurityOptions> options, TimeProvider clock, ILogger<IssuerKeys>? logger = null)
    {
        _options = options.Value.Jwt;
        _clock = clock;
        _keys = [.. _options.Keys.Select(TrustedKey.Of)];
        if (_options.Authority.Length > 0)
            _issuer = new IssuerKeys(_options, clock, logger);
    }

    /// <summary>Distinguishes a JSON Web Token (two dots) from an API key.</summary>
    public static bool IsToken(string text) => text.AsSpan().Count('.') == 2;

    /// <summary>True if the signing key of this fingerprint is configured, or the issuer whose keys change
    /// (<see cref="Caller.Key"/>).</summary>
    public bool Trusts(string fingerprint) =>
        _keys.Exists(k => k.Fingerprint == fingerprint) || _issuer?.Fingerprint == fingerprint;

    /// <exception cref="InvalidCredentialException">The token is rejected. The message holds nothing of the token's
    /// content.</exception>
    /// <exception cref="IssuerUnavailableException">The issuer may know the token's key, and does not
    /// answer.</exception>
    public async ValueTask<Caller> VerifyAsync(string token, CancellationToken cancellationToken)
    {
        if (_issuer is null)
            return Verify(token);

        var reading = _issuer.ReadAsync(keyIsUnknown: false);
        var mayBeNew = reading.IsCompleted;

        if (Find(token) is { } caller)
            return caller;

        // The keys were not here yet, or the issuer has new ones. 401 would be final for a client.
        if (mayBeNew)
            reading = _issuer.ReadAsync(keyIsUnknown: true);
        if (!await reading.WaitAsync(cancellationToken))
            throw new IssuerUnavailableException();

        return Verify(token);
    }

    /// <summary>Verifies a token with the keys that are known now.</summary>
    /// <exception cref="InvalidCredentialException">As <see cref="VerifyAsync"/>.</exception>
    public Caller Verify(string token) => Find(token) ?? throw Untrusted;

    public void Dispose()
    {
        _issuer?.Dispose();
        foreach (var key in _keys)
            key.Dispose();
    }

    private static InvalidCredentialException Untrusted =>
        new("The token is not signed with a key that this server trusts.");

    /// <summary>Returns the caller, or null if no known key signed the token, and the issuer may have a new
    /// one.</summary>
    private Caller? Find(string token)
    {
        if (token.Length > MaxLength)
            throw new InvalidCredentialException($"The token is longer than {MaxLength} characters.");
        try
        {
            return FindParts(token, token.IndexOf('.'), token.LastIndexOf('.'));
        }
        // InvalidOperationException: JSON that is no object, or text with an unpaired surrogate.
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            throw new InvalidCredentialException("The token is malformed.");
        }
    }

    private Caller? FindParts(string token, int first, int last)
    {
        using var header = Part(token.AsSpan(0, first));
        if (header.RootElement.TryGetProperty("crit", out _))
            throw new InvalidCredentialException("The token has critical extensions (crit); none is supported.");

        var algorithm = Text(header.RootElement, "alg") ?? "";
        var id = Text(header.RootElement, "kid");
        var signature = Base64Url.DecodeFromChars(token.AsSpan(last + 1));
        var content = Encoding.ASCII.GetBytes(token, 0, last);
        var key =
            _keys.Find(k => k.Signed(content, signature, algorithm, id))
            ?? _issuer?.Known.Find(k => k.Signed(content, signature, algorithm, id));
        if (key is null)
            return _issuer is not null && IssuerKeys.Algorithms.Contains(algorithm) ? null : throw Untrusted;

        using var claims = Part(token.AsSpan(first + 1, last - first - 1));
        return Read(claims.RootElement) with { Key = key.Fingerprint };
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

    private static JsonDocument Part(ReadOnlySpan<char> encoded) =>
        JsonDocument.Parse(Base64Url.DecodeFromChars(encoded), Strict);
}
