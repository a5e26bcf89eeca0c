using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Harness;

/// <summary>Tokens as an issuer makes them, and forged ones.</summary>
internal static class Tokens
{
    public const string Issuer = "https://issuer.test",
        Audience = "aspire-sse",
        Secret = "a secret of forty bytes for these tests.";

    public static RSA Rsa { get; } = RSA.Create(2_048);

    public static string Of(string user, string[]? subscribe = null, string[]? publish = null, TimeSpan? life = null) =>
        Sign(Claims(user, subscribe, publish, life));

    public static Dictionary<string, object?> Claims(
        string user,
        string[]? subscribe = null,
        string[]? publish = null,
        TimeSpan? life = null
    ) =>
        new()
        {
            ["iss"] = Issuer,
            ["aud"] = Audience,
            ["sub"] = user,
            ["exp"] = DateTimeOffset.UtcNow.Add(life ?? TimeSpan.FromHours(1)).ToUnixTimeMilliseconds() / 1_000.0,
            ["sse.subscribe"] = subscribe ?? [],
            ["sse.publish"] = publish ?? [],
        };

    public static string Sign(
        Dictionary<string, object?> claims,
        string algorithm = "HS256",
        object? header = null,
        byte[]? secret = null
    )
    {
        var head = JsonSerializer.SerializeToUtf8Bytes(header ?? new { alg = algorithm, typ = "JWT" });
        var content = $"{Encode(head)}.{Encode(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        var bytes = Encoding.ASCII.GetBytes(content);
        var signature =
            algorithm == "RS256"
                ? Rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
                : HMACSHA256.HashData(secret ?? Encoding.UTF8.GetBytes(Secret), bytes);

        return $"{content}.{Encode(signature)}";
    }

    private static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
