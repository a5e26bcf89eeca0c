using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Credentials;

/// <summary>Finds the holder of a key by its hash. Every hash is compared, each in constant time: how long it takes
/// tells nothing.</summary>
internal sealed class ApiKeys
{
    private const int MaxLength = 512;
    private readonly (byte[] Hash, Caller Caller)[] _keys;

    public ApiKeys(IOptions<SecurityOptions> options) =>
        _keys = [
            .. options.Value.ApiKeys.Select(k =>
                (
                    Convert.FromHexString(k.Sha256),
                    new Caller(Caller.UserOfKey(k.Name), new TopicGrants([.. k.Subscribe], [.. k.Publish]))
                )
            ),
        ];

    /// <exception cref="InvalidCredentialException">It is nobody's.</exception>
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
        return found ?? throw new InvalidCredentialException("The key is not one of this server.");
    }
}
