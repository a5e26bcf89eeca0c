using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Credentials;

/// <summary>
/// Finds the holder of an API key by its hash. Compares every hash in constant time, so response time reveals nothing.
/// </summary>
internal sealed class ApiKeys
{
    private const int MaxLength = 512;
    private readonly (byte[] Hash, Caller Caller)[] _keys;

    public ApiKeys(IOptions<SecurityOptions> options) =>
        _keys = [
            .. options.Value.ApiKeys.Select(k =>
                (
                    Convert.FromHexString(k.Sha256),
                    new Caller(
                        Caller.UserOfKey(k.Name),
                        new TopicGrants([.. k.Subscribe], [.. k.Publish]),
                        Key: Caller.FingerprintOf(Convert.FromHexString(k.Sha256))
                    )
                )
            ),
        ];

    /// <summary>Finds a configured key by its user, or null if there is none, or another key has this name
    /// now.</summary>
    /// <param name="user">The user of the key.</param>
    /// <param name="fingerprint">The key's fingerprint, or null for any.</param>
    public Caller? Find(string user, string? fingerprint) =>
        Array.Find(_keys, k => k.Caller.User == user && (fingerprint is null || k.Caller.Key == fingerprint)).Caller;

    /// <exception cref="InvalidCredentialException">No configured key matches.</exception>
    public Caller Verify(string key)
    {
        Caller? found = null;
        if (key.Length <= MaxLength)
        {
            var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
            foreach (var (known, caller) in _keys)
                if (CryptographicOperations.FixedTimeEquals(hash, known))
                    found = caller;
        }

        return found ?? throw new InvalidCredentialException("The API key is unknown.");
    }
}
