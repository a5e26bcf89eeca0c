using System.Text;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace StreamApi.Security.Credentials;

/// <summary>
/// Reads the keys that an issuer publishes (OpenID Connect Discovery 1.0): at the first token, then every hour, and for
/// a token of an unknown key once in five minutes. If the issuer does not answer, the known keys stay.
/// </summary>
internal sealed class IssuerKeys : IDisposable
{
    /// <summary>Algorithms of the issuer's keys. A shared secret is never published.</summary>
    public static readonly string[] Algorithms = ["RS256", "PS256", "ES256"];

    /// <summary>Pause after a failure.</summary>
    public static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(5);

    private const int MinRsaBits = 2_048; // RFC 7518 §3.3
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(1);
    private static readonly TimeSpan UnknownKeyInterval = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly JwtOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger? _logger;
    private readonly HttpClient _http = new()
    {
        Timeout = TimeSpan.FromSeconds(5),
        MaxResponseContentBufferSize = 1 << 20,
    };
    private volatile List<TrustedKey> _known = [];
    private Task<bool> _reading;
    private long _readAt;
    private long? _askedAt;

    public IssuerKeys(JwtOptions options, TimeProvider clock, ILogger? logger)
    {
        _options = options;
        _clock = clock;
        _logger = logger;
        Fingerprint = Caller.FingerprintOf(Encoding.UTF8.GetBytes(options.Issuer));
        _reading = Start();
    }

    /// <summary>Fingerprint of the issuer, because a ticket outlives the key that signed its token.</summary>
    public string Fingerprint { get; }

    public List<TrustedKey> Known => _known;

    /// <summary>Reads the keys if that is due. Returns false if the issuer does not answer.</summary>
    public Task<bool> ReadAsync(bool keyIsUnknown)
    {
        lock (_gate)
        {
            if (!_reading.IsCompleted)
                return _reading;

            var isDue = _clock.GetElapsedTime(_readAt) >= (_reading.Result ? MaxAge : RetryInterval);

            if (keyIsUnknown && (_askedAt is not { } asked || _clock.GetElapsedTime(asked) >= UnknownKeyInterval))
            {
                isDue = true;
                _askedAt = _clock.GetTimestamp();
            }

            return isDue ? _reading = Start() : _reading;
        }
    }

    public void Dispose() => _http.Dispose();

    private Task<bool> Start()
    {
        _readAt = _clock.GetTimestamp();
        return Task.Run(TryReadAsync);
    }

    private async Task<bool> TryReadAsync()
    {
        var address = _options.Authority.TrimEnd('/') + "/.well-known/openid-configuration";
        var isHttps = address.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        var documents = new HttpDocumentRetriever(_http) { RequireHttps = isHttps };
        try
        {
            var found = await OpenIdConnectConfigurationRetriever.GetAsync(address, documents, CancellationToken.None);
            if (found.Issuer != _options.Issuer)
                throw new InvalidOperationException("It names another issuer than Security:Jwt:Issuer.");
            _known = KeysOf(found.JsonWebKeySet);
            return true;
        }
        // Any: whatever another server answers, the known keys stay.
        catch (Exception e)
        {
            _logger?.LogWarning(
                "No keys could be read from {Address}: {Reason}",
                address,
                e.GetBaseException().Message
            );
            return false;
        }
    }

    private List<TrustedKey> KeysOf(JsonWebKeySet? published)
    {
        List<TrustedKey> keys = [];
        foreach (var key in published?.Keys ?? [])
        {
            var algorithm = key.Alg ?? (key.Kty == "EC" ? "ES256" : "RS256");
            var isStrong = key.Kty == "EC" ? key.Crv == "P-256" : key.Kty == "RSA" && key.KeySize >= MinRsaBits;
            if (isStrong && key.Use is null or "" or "sig" && Algorithms.Contains(algorithm))
                keys.Add(new TrustedKey(key, algorithm, Fingerprint));
        }

        return keys.Count > 0
            ? keys
            : throw new InvalidOperationException($"It has no key for {string.Join(", ", Algorithms)}.");
    }
}
