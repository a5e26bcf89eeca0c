using System.Text.RegularExpressions;
using Harness;

namespace Reliability.Compose;

/// <summary>The images of a compose file whose variables (<c>POSTGRES_IMAGE</c> …) may name others.</summary>
internal static partial class ComposeImages
{
    /// <summary>The images that the operator of this clone chose, by variable: those of the environment, then those of
    /// <c>deploy/.env</c>.</summary>
    public static IReadOnlyDictionary<string, string> Chosen { get; } =
        Choose(
            Environment
                .GetEnvironmentVariables()
                .Keys.Cast<string>()
                .Select(n => $"{n}={Environment.GetEnvironmentVariable(n)}"),
            ReadSettings(Path.Combine(Repository.Root, "deploy", ".env"))
        );

    /// <summary>Returns the images by variable; of the same file the last line counts, as for compose.</summary>
    public static IReadOnlyDictionary<string, string> Choose(
        IEnumerable<string> environment,
        IEnumerable<string> settings
    ) =>
        settings
            .Concat(environment)
            .Select(line => ImageSetting().Match(line))
            .Where(m => m.Success)
            .GroupBy(m => m.Groups["name"].Value, m => m.Groups["image"].Value)
            .ToDictionary(g => g.Key, g => g.Last());

    /// <summary>Returns the images of a compose file's text with the chosen ones in place of its defaults.</summary>
    public static IEnumerable<string> Of(string compose, IReadOnlyDictionary<string, string> chosen) =>
        ImageLine()
            .Matches(compose)
            .Select(line =>
                Variable()
                    .Replace(
                        line.Groups["image"].Value,
                        v => chosen.GetValueOrDefault(v.Groups["name"].Value, v.Groups["default"].Value)
                    )
            )
            .Distinct();

    private static string[] ReadSettings(string file) => File.Exists(file) ? File.ReadAllLines(file) : [];

    [GeneratedRegex(@"^(?<name>[A-Z_]+_IMAGE)=(?<image>.+)$")]
    private static partial Regex ImageSetting();

    [GeneratedRegex(@"^\s+image: (?<image>\S+)$", RegexOptions.Multiline)]
    private static partial Regex ImageLine();

    [GeneratedRegex(@"\$\{(?<name>\w+):-(?<default>[^}]*)\}")]
    private static partial Regex Variable();
}
