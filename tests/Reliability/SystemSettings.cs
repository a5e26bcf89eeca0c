using System.Security.Cryptography;
using Harness;

namespace Reliability;

/// <summary>The settings of a system's services, beside their addresses.</summary>
internal static class SystemSettings
{
    /// <summary>A token with every permission. Development does not ask for it.</summary>
    public static string Operator { get; } = User("operator", [">", "$sys.>"], [">", "$sys.connections"]);

    /// <summary>An API key with every permission.</summary>
    public static string Key { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(20));

    /// <summary>The key with which a system of this kind is asked how it is, or null if it asks for none.</summary>
    public static string? KeyOf(SystemKind kind) => kind is SystemKind.Guarded or SystemKind.Verbose ? Key : null;

    public static string User(string name, string[] subscribe, string[] publish) =>
        Tokens.Of(name, subscribe, publish, TimeSpan.FromHours(24));

    public static IReadOnlyDictionary<string, string> Of(SystemKind kind) =>
        kind switch
        {
            SystemKind.Guarded => Guarded,
            SystemKind.Verbose => new Dictionary<string, string>(Guarded)
            {
                ["AspireSse__Llm__GenerationsPerMinute"] = "1000000",
                ["Limits__NewStreamsPerMinute"] = "1000000",
                ["Limits__PublishesPerSecond"] = "1000000",
                ["Limits__ConnectionsPerSecond"] = "1000000",
                ["Limits__ConnectionsPerAddress"] = "1000000",
                ["Limits__PublishKilobytesPerSecond"] = "1000000",
                ["Limits__RequestsPerSecond"] = "1000000",
                ["Limits__ReadPercent"] = "1000000",
                ["AspireSse__Streaming__MaxConnectionsPerClient"] = "0",
                ["AspireSse__Llm__Providers__Demo__TokensPerSecond"] = "0",
                ["Logging__LogLevel__Default"] = "Information",
                ["Logging__LogLevel__Microsoft.AspNetCore"] = "Information",
            },
            // A generation goes on until it ends while its replica is replaced.
            SystemKind.OwnSystem => new Dictionary<string, string>
            {
                ["AspireSse__Runs__DrainSeconds"] = "60",
                ["Runs__DrainSeconds"] = "60", // its name in the version that is upgraded
            },
            _ => new Dictionary<string, string>(),
        };

    private static Dictionary<string, string> Guarded { get; } =
        new(ApiKeySettings.Operator(Key))
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Security__Jwt__Issuer"] = Tokens.Issuer,
            ["Security__Jwt__Audience"] = Tokens.Audience,
            ["Security__Jwt__Keys__0__Algorithm"] = "HS256",
            ["Security__Jwt__Keys__0__Secret"] = Tokens.Secret,
        };
}
