using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using static System.Buffers.Text.Base64Url;

namespace Harness;

/// <summary>An issuer of tokens that publishes its keys (OpenID Connect Discovery 1.0): a real server.</summary>
internal sealed class TokenIssuer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _reads;

    private TokenIssuer(int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", Describe);
        _app.MapGet(
            "/keys",
            () => Results.Text(JsonSerializer.Serialize(new { keys = Keys }), MediaTypeNames.Application.Json)
        );
    }

    public string Url => _app.Urls.Single();

    /// <summary>The issuer that its document names.</summary>
    public string Name { get; set; } = Tokens.Issuer;

    /// <summary>The published keys (RFC 7517).</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Keys { get; set; } = [];

    /// <summary>Number of reads of its document.</summary>
    public int Reads => Volatile.Read(ref _reads);

    public static async Task<TokenIssuer> StartAsync(int port = 0)
    {
        var issuer = new TokenIssuer(port);
        await issuer._app.StartAsync();
        return issuer;
    }

    /// <summary>The public key as a member of <see cref="Keys"/>.</summary>
    public static Dictionary<string, string> KeyOf(RSA key, string id)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "RSA",
            ["kid"] = id,
            ["n"] = EncodeToString(parameters.Modulus),
            ["e"] = EncodeToString(parameters.Exponent),
        };
    }

    /// <inheritdoc cref="KeyOf(RSA, string)"/>
    public static Dictionary<string, string> KeyOf(ECDsa key, string id)
    {
        var parameters = key.ExportParameters(includePrivateParameters: false);
        return new()
        {
            ["kty"] = "EC",
            ["kid"] = id,
            ["crv"] = $"P-{key.KeySize}",
            ["x"] = EncodeToString(parameters.Q.X),
            ["y"] = EncodeToString(parameters.Q.Y),
        };
    }

    /// <summary>A token for the user.</summary>
    /// <param name="user">Its subject, which may read <c>orders.></c>.</param>
    /// <param name="id">The key id in its header.</param>
    /// <param name="algorithm">The algorithm in its header.</param>
    /// <param name="sign">Signs its bytes.</param>
    public static string Token(string user, string id, string algorithm, Func<byte[], byte[]> sign)
    {
        var head = JsonSerializer.SerializeToUtf8Bytes(new { alg = algorithm, kid = id });
        var claims = JsonSerializer.SerializeToUtf8Bytes(Tokens.Claims(user, ["orders.>"]));
        var content = $"{EncodeToString(head)}.{EncodeToString(claims)}";
        return $"{content}.{EncodeToString(sign(Encoding.ASCII.GetBytes(content)))}";
    }

    /// <inheritdoc cref="Token(string, string, string, Func{byte[], byte[]})"/>
    public static string Token(string user, string id, RSA key, RSASignaturePadding? padding = null) =>
        Token(
            user,
            id,
            padding == RSASignaturePadding.Pss ? "PS256" : "RS256",
            content => key.SignData(content, HashAlgorithmName.SHA256, padding ?? RSASignaturePadding.Pkcs1)
        );

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Describe()
    {
        Interlocked.Increment(ref _reads);
        var document = new { issuer = Name, jwks_uri = $"{Url}/keys" };
        return Results.Text(JsonSerializer.Serialize(document), MediaTypeNames.Application.Json);
    }
}
