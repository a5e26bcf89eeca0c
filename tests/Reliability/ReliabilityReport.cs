using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using LocalServices;

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
        Line(
            text,
            $"""
            {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, in {took.TotalMinutes:F0} minutes:
            {Counts(Sections.All, options, outcomes, before)}. Under faults: {options.Clients} clients and {options.Rate
                * 3} events/s. {Machine};
            .NET {Environment.Version}, {RuntimeInformation.OSDescription}.
            """
        );
        foreach (var section in Sections.All)
            text.Append(Block(section, outcomes, before, ""));
        return text.ToString();
    }

    /// <summary>Returns an earlier report with the sections of this run's parts, and with everything else as it
    /// was.</summary>
    public static string Into(
        string report,
        ReliabilityOptions options,
        IReadOnlyDictionary<string, Outcome> outcomes,
        IReadOnlyDictionary<string, string> before
    )
    {
        foreach (var section in Sections.All.Where(s => options.Parts.Contains(s.Part)))
        {
            var load =
                section.Part == "failover"
                    ? $"; {options.FailoverClients} readers, {options.FailoverRate} events/s"
                    : "";
            var when = string.Create(
                CultureInfo.InvariantCulture,
                $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC: {Counts([section], options, outcomes, before)};\n"
                    + $"{Machine}{load}{(options.Short ? "; with --short" : "")}.\n\n"
            );
            var block = Block(section, outcomes, before, when);
            var start = report.IndexOf($"\n## {section.Title}\n", StringComparison.Ordinal);
            var end = start < 0 ? -1 : report.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
            report = (start < 0 ? report : report[..start]) + block + (end < 0 ? "" : report[end..]);
        }
        return report;
    }

    /// <summary>Returns the numbers of rows: asked for, run, passed, and kept from earlier runs.</summary>
    private static string Counts(
        IEnumerable<Section> sections,
        ReliabilityOptions options,
        IReadOnlyDictionary<string, Outcome> outcomes,
        IReadOnlyDictionary<string, string> before
    )
    {
        var checks = sections.SelectMany(s => s.Checks.Select(c => (Wanted: options.Wants(s.Part, c.Name), c.Name)));
        var (wanted, kept) = (checks.Count(c => c.Wanted), 0);
        var ran = new List<Outcome>();
        foreach (var (_, name) in checks)
            if (outcomes.TryGetValue(name, out var outcome))
                ran.Add(outcome);
            else if (before.ContainsKey(name))
                kept++;
        var skipped = ran.Count(o => o.IsSkipped);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{ran.Count - skipped} of {wanted} rows run, of which {ran.Count(o => o.Ok)} passed"
                + $"{(skipped > 0 ? $"; {skipped} not done on this machine" : "")}"
                + $"{(kept > 0 ? $"; {kept} rows are of earlier runs" : "")}"
        );
    }

    private static string Block(
        Section section,
        IReadOnlyDictionary<string, Outcome> outcomes,
        IReadOnlyDictionary<string, string> before,
        string when
    )
    {
        var lines = section
            .Checks.Select(c =>
                outcomes.TryGetValue(c.Name, out var outcome) ? outcome.Line : before.GetValueOrDefault(c.Name)
            )
            .Where(line => line is not null)
            .ToList();
        if (lines.Count == 0)
            return "";
        var text = new StringBuilder()
            .AppendLine()
            .AppendLine(CultureInfo.InvariantCulture, $"## {section.Title}")
            .AppendLine()
            .Append(when)
            .AppendLine(section.Text)
            .AppendLine()
            .AppendLine(section.Header);
        text.AppendLine("|---|" + string.Concat(section.Header.Split('|')[2..^2].Select(_ => "--:|")) + "---|");
        foreach (var line in lines)
            text.AppendLine(line);
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

    private static string Machine =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Environment.ProcessorCount} cores, shared by clients and system"
                + $"{(IsInMemory ? ", files in memory" : "")}{(IsAutogrouped ? ", with autogroup" : "")}"
        );

    /// <summary>True if the stores' files are in a file system in memory (Linux).</summary>
    private static bool IsInMemory => new DriveInfo(EphemeralFolder.Root).DriveFormat == "tmpfs";

    /// <summary>True if Linux shares the processors by session, and each connection of Postgres is one (sched(7)); it
    /// does not in a control group of its own, as under systemd or in a container.</summary>
    private static bool IsAutogrouped =>
        TextOf("/proc/sys/kernel/sched_autogroup_enabled") == "1" && TextOf("/proc/self/cgroup") == "0::/";

    private static string? TextOf(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : null;

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
