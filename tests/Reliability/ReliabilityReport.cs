using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Reliability;

/// <summary>The page that a run writes.</summary>
internal static class ReliabilityReport
{
    public static string Of(ReliabilityOptions options, IReadOnlyList<Row> rows, IReadOnlyDictionary<string, string> before, TimeSpan took)
    {
        var text = new StringBuilder();
        var done = rows.Where(r => r.Done).ToList();
        text.AppendLine("# Reliability").AppendLine().AppendLine("```").AppendLine("dotnet run -c Release --project tests/Reliability").AppendLine("```").AppendLine();
        text.AppendLine("""
            This page is what that command wrote. It starts a system of its own on free ports: Postgres with `fsync`, `synchronous_commit` and
            `full_page_writes` on, Redis, two replicas of StreamApi, two Broadcasters; each service reaches each store by a link that can be cut. Then it
            does one thing after the other to it while clients publish and read (the scenario `mixed` of `LoadTests`: readers that stay, that
            stop reading, that drop and resume, that come and go; a publisher repeats what was not acknowledged). A ledger outside of the system
            keeps what was acknowledged and what each client got.

            - **lost**: acknowledged, and missing at a client that it was for, over all clients, until 90 s after the end; or not in the log afterwards.
            - **twice**, **reordered**: received again; received after a later one of the same publisher. Each summed over all clients.
            - **down**: from the fault until it was undone and the process answered again.
            - **recovered**: from the fault to the end of the last second in which clients got fewer than half of what was published for
              them, fewer than half of the publishes were acknowledged, or the median latency was over a second. 0 where there was no such second; for those
              who were connected elsewhere a fault can be that.

            What was killed is started again after 4 s. SIGSTOP lasts 15 s, a cut or a full disk 10 s. Postgres is stopped as the AppHost stops it: with SIGINT, since
            SIGTERM means to it "when the last client has left". Cut off means that connections are closed and new ones refused; where nothing
            passes, they stay open and silent. Redis keeps nothing on disk, so each restart of it is an empty one.
            """).AppendLine();
        Line(text, $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {rows.Count} faults, {done.Count(r => r.Ok)} of the {done.Count} that this machine could do without a loss and recovered from; {(done.Count > 0 ? done.Max(r => r.Clients) : options.Clients)} streams open at any time, {options.Rate * 3} events/s, {took.TotalMinutes:F0} minutes{(before.Keys.Any(name => rows.All(r => r.Fault != name) && FaultCatalog.All.Any(f => f.Name == name)) ? " (the other rows are of earlier runs)" : "")}, on {Environment.ProcessorCount} cores that the clients share with the system, .NET {Environment.Version}, {RuntimeInformation.OSDescription}.");
        text.AppendLine().AppendLine("| fault | acknowledged | received | lost | twice | reordered | down s | recovered s | |").AppendLine("|---|--:|--:|--:|--:|--:|--:|--:|---|");
        foreach (var fault in FaultCatalog.All)
            if ((rows.FirstOrDefault(r => r.Fault == fault.Name) is { } row ? Line(row) : before.GetValueOrDefault(fault.Name)) is { } line) text.AppendLine(line);
        return text.ToString();
    }

    /// <summary>The rows of an earlier run by the names of their faults: a run of some faults (<c>--only</c>) replaces only these.</summary>
    public static IReadOnlyDictionary<string, string> LinesOf(string report) => !File.Exists(report) ? new Dictionary<string, string>() :
        File.ReadLines(report).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).GroupBy(line => line.Split(" | ")[0][2..]).ToDictionary(g => g.Key, g => g.First());

    public static string Line(Row row)
    {
        if (!row.Done) return $"| {row.Fault} | – | – | – | – | – | – | – | not done: {row.Remark} |";
        List<string> remarks = row.Remark.Length > 0 ? [row.Remark] : [];
        if (row.NotStored > 0) remarks.Add($"**{row.NotStored} not in the log**");
        if (row.Unknown > 0) remarks.Add($"**{row.Unknown} that nobody published**");
        if (row.Resyncs > 0) remarks.Add($"**{row.Resyncs} clients told that events may be missing**");
        if (row.Refused > 0) remarks.Add($"{row.Refused} publishes given up, none acknowledged");
        if (!row.Drained) remarks.Add("**not everything came within 90 s**");
        return string.Create(CultureInfo.InvariantCulture,
            $"| {row.Fault} | {row.Acknowledged} | {row.Received} | {Bold(Math.Max(row.Lost, row.NotStored))} | {Bold(row.Twice)} | {Bold(row.Reordered)} | {row.BrokenSeconds:F1} | {row.RecoverySeconds?.ToString("F1", CultureInfo.InvariantCulture) ?? "**not**"} | {string.Join("; ", remarks)} |");
    }

    private static string Bold(long count) => count == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"**{count}**");

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
