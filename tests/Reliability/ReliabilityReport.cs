using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Reliability;

/// <summary>Writes the report of a run.</summary>
internal static class ReliabilityReport
{
    /// <param name="options">The options of this run.</param>
    /// <param name="outcomes">The rows of this run, by name.</param>
    /// <param name="before">The rows of earlier runs, by name.</param>
    /// <param name="took">The duration of this run.</param>
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
                This page is the output of that command. It starts a separate system on free ports: Postgres with
                `fsync`, `synchronous_commit` and `full_page_writes` on, Redis, two replicas of StreamApi and two
                Broadcasters. Under faults, each service reaches each store by a link that can be cut.
                """
            )
            .AppendLine();
        var kept = names.Any(n => before.ContainsKey(n) && !outcomes.ContainsKey(n));
        Line(
            text,
            $"""
            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC: {outcomes.Count} rows, of which {outcomes.Values.Count(o => o.Ok)}
            passed{(kept ? " (other rows are of earlier runs)" : "")}, in {took.TotalMinutes:F0} minutes. Under faults:
            {options.Clients} clients and {options.Rate
                * 3} events/s. {Environment.ProcessorCount} cores, shared by clients
            and system; .NET {Environment.Version}, {RuntimeInformation.OSDescription}.
            """
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

    /// <summary>Returns the rows of an earlier report by name. A
    /// run with <c>--only</c> replaces only its own rows.</summary>
    public static IReadOnlyDictionary<string, string> LinesOf(string report) =>
        !File.Exists(report)
            ? new Dictionary<string, string>()
            : File.ReadLines(report)
                .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
                .GroupBy(line => line.Split(" | ")[0][2..])
                .ToDictionary(g => g.Key, g => g.First());

    /// <summary>Returns a count that should be 0, in bold when it is not.</summary>
    public static string Bold(long count) =>
        count == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"**{count}**");

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
