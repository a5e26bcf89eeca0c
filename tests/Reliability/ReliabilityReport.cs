using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Reliability;

/// <summary>The page that a run writes.</summary>
internal static class ReliabilityReport
{
    /// <param name="options">What was asked for.</param>
    /// <param name="outcomes">The rows of this run by name.</param>
    /// <param name="before">Those of earlier runs.</param>
    /// <param name="took">How long it took.</param>
    public static string Of(
        ReliabilityOptions options,
        IReadOnlyDictionary<string, Outcome> outcomes,
        IReadOnlyDictionary<string, string> before,
        TimeSpan took
    )
    {
        var text = new StringBuilder();
        var names = Sections.All.SelectMany(s => s.Checks).Select(c => c.Name).ToList();
        text.AppendLine("# Reliability")
            .AppendLine()
            .AppendLine("```")
            .AppendLine("dotnet run -c Release --project tests/Reliability")
            .AppendLine("```")
            .AppendLine();
        text.AppendLine(
                """
                This page is what that command wrote. It starts a system of its own on free ports: Postgres with `fsync`, `synchronous_commit` and
                `full_page_writes` on, Redis, two replicas of StreamApi, two Broadcasters; under faults each service reaches each store by a link that can be cut.
                """
            )
            .AppendLine();
        Line(
            text,
            $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {outcomes.Count} rows, {outcomes.Values.Count(o => o.Ok)} as they must be{(names.Any(n => before.ContainsKey(n) && !outcomes.ContainsKey(n)) ? " (the others are of earlier runs)" : "")}; under faults {options.Clients} clients and {options.Rate * 3} events/s; {took.TotalMinutes:F0} minutes, on {Environment.ProcessorCount} cores that the clients share with the system, .NET {Environment.Version}, {RuntimeInformation.OSDescription}."
        );
        foreach (var section in Sections.All)
        {
            var lines = section
                .Checks.Select(c =>
                    outcomes.TryGetValue(c.Name, out var outcome) ? outcome.Line : before.GetValueOrDefault(c.Name)
                )
                .Where(line => line is not null)
                .ToList();
            if (lines.Count == 0)
                continue;
            text.AppendLine()
                .AppendLine(CultureInfo.InvariantCulture, $"## {section.Title}")
                .AppendLine()
                .AppendLine(section.Text)
                .AppendLine()
                .AppendLine(section.Header);
            text.AppendLine("|---|" + string.Concat(section.Header.Split('|')[2..^2].Select(_ => "--:|")) + "---|");
            foreach (var line in lines)
                text.AppendLine(line);
        }
        return text.ToString();
    }

    /// <summary>The rows of an earlier run by their names: a run of some (<c>--only</c>) replaces only these.</summary>
    public static IReadOnlyDictionary<string, string> LinesOf(string report) =>
        !File.Exists(report)
            ? new Dictionary<string, string>()
            : File.ReadLines(report)
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
                .GroupBy(line => line.Split(" | ")[0][2..])
                .ToDictionary(g => g.Key, g => g.First());

    /// <summary>What should not be, bold.</summary>
    public static string Bold(long count) =>
        count == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"**{count}**");

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
