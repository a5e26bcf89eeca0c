using System.Text.RegularExpressions;
using LocalServices;

namespace Reliability;

/// <summary>Writes the rows of a run into the tables of a report, and leaves its text and its other rows as they
/// are.</summary>
internal static partial class ReliabilityReport
{
    /// <param name="report">The report so far.</param>
    /// <param name="options">The options of this run.</param>
    /// <param name="outcomes">The rows of this run, by name.</param>
    public static string Into(string report, ReliabilityOptions options, IReadOnlyDictionary<string, Outcome> outcomes)
    {
        var lines = report.TrimEnd('\n').Split('\n').ToList();
        foreach (var section in ReportTables.All.Where(s => s.Checks.Any(c => outcomes.ContainsKey(c.Name))))
            Write(lines, section, options, outcomes);
        return string.Join('\n', lines) + "\n";
    }

    /// <summary>Returns a count that should be 0, in bold when it is not.</summary>
    public static string Bold(long count) => count == 0 ? "0" : $"**{count}**";

    private static void Write(
        List<string> lines,
        Section section,
        ReliabilityOptions options,
        IReadOnlyDictionary<string, Outcome> outcomes
    )
    {
        var title = lines.IndexOf($"## {section.Title}");
        if (title < 0)
        {
            title = lines.Count + 1;
            lines.AddRange(["", $"## {section.Title}", ""]);
        }

        var end = lines.FindIndex(title + 1, line => line.StartsWith("## ", StringComparison.Ordinal));
        if (end < 0)
            end = lines.Count;

        // The table is the first one of its section, below a line about its run; a new one is at the section's end.
        var first = lines.FindIndex(title, end - title, line => line.StartsWith('|'));
        if (first < 0)
            first = end;

        var after = lines.FindIndex(first, line => !line.StartsWith('|'));
        if (after < 0)
            after = lines.Count;

        var before = lines[first..after]
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .ToLookup(NameOf);

        List<string> table =
        [
            section.Header,
            "|---|" + string.Concat(section.Header.Split('|')[2..^2].Select(_ => "--:|")) + "---|",
            .. section
                .Checks.Select(c => outcomes.GetValueOrDefault(c.Name)?.Line ?? before[c.Name].FirstOrDefault())
                .OfType<string>(),
        ];
        var about = first - 2;
        if (about > title && About().IsMatch(lines[about]))
            lines.RemoveRange(about, after - about);
        else
            lines.RemoveRange(about = first, after - first);

        lines.InsertRange(about, [Describe(section, options, outcomes, before), "", .. table]);
    }

    /// <summary>Returns the time of the run and the numbers of its rows: asked for, run, passed, and kept from earlier
    /// runs.</summary>
    private static string Describe(
        Section section,
        ReliabilityOptions options,
        IReadOnlyDictionary<string, Outcome> outcomes,
        ILookup<string, string> before
    )
    {
        var wanted = section.Checks.Count(c => options.Wants(section.Part, c.Name));
        var ran = section.Checks.Select(c => outcomes.GetValueOrDefault(c.Name)).OfType<Outcome>().ToList();
        var skipped = ran.Count(o => o.IsSkipped);
        var kept = section.Checks.Count(c => !outcomes.ContainsKey(c.Name) && before.Contains(c.Name));

        return $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC: {ran.Count - skipped} of {wanted} rows run, "
            + $"of which {ran.Count(o => o.Ok)} passed"
            + (skipped > 0 ? $"; {skipped} not done on this machine" : "")
            + (kept > 0 ? $"; {kept} rows are of earlier runs" : "")
            + $"; {Machine}"
            + (section.Part == "faults" ? $"; {options.Clients} clients, {options.Rate * 3} events/s" : "")
            + (
                section.Part == "failover"
                    ? $"; {options.FailoverClients} readers, {options.FailoverRate} events/s"
                    : ""
            )
            + (options.Short ? "; with --short." : ".");
    }

    private static string NameOf(string row) => row.Split(" | ")[0][2..];

    private static string Machine =>
        $"{Environment.ProcessorCount} cores, shared by clients and system"
        + (IsInMemory ? ", files in memory" : "")
        + (IsAutogrouped ? ", with autogroup" : "");

    /// <summary>True if the stores' files are in a file system in memory (Linux).</summary>
    private static bool IsInMemory => new DriveInfo(EphemeralFolder.Root).DriveFormat == "tmpfs";

    /// <summary>True if Linux shares the processors by session, and each connection of Postgres is one (sched(7)); it
    /// does not in a control group of its own, as under systemd or in a container.</summary>
    private static bool IsAutogrouped =>
        TextOf("/proc/sys/kernel/sched_autogroup_enabled") == "1" && TextOf("/proc/self/cgroup") == "0::/";

    private static string? TextOf(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : null;

    [GeneratedRegex(@"^\d{4}-\d\d-\d\d \d\d:\d\d UTC: \d+ of \d+ rows run")]
    private static partial Regex About();
}
