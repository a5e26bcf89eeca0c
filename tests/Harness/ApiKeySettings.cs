using System.Security.Cryptography;
using System.Text;

namespace Harness;

/// <summary>The settings of StreamApi's API keys.</summary>
internal static class ApiKeySettings
{
    /// <summary>Returns the settings of a key with every permission, the first of a system.</summary>
    public static Dictionary<string, string> Operator(string key) =>
        new()
        {
            ["Security__ApiKeys__0__Name"] = "operator",
            ["Security__ApiKeys__0__Sha256"] = Hash(key),
            ["Security__ApiKeys__0__Subscribe__0"] = ">",
            ["Security__ApiKeys__0__Subscribe__1"] = "$sys.>",
            ["Security__ApiKeys__0__Publish__0"] = ">",
            ["Security__ApiKeys__0__Publish__1"] = "$sys.connections",
        };

    public static string Hash(string key) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
