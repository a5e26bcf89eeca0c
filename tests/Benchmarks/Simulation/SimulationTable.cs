using System.Globalization;
using System.Text;

namespace Benchmarks.Simulation;

/// <summary>Writes results as Markdown. It contains nothing of the machine that ran them.</summary>
internal static class SimulationTable
{
    public static string Of(IReadOnlyList<SimulationResult> results)
    {
        var first = results[0].Scenario;
        var text = new StringBuilder();
        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"""
            {first.Replicas} replicas in {Scenario.Regions} regions, {first.Readers:N0} readers, {first.Topics:N0}
            topics, {first.EventsPerSecond:N0} events/s, Zipf {first.ReaderSkew:0.0} for readers and
            {first.EventSkew:0.0} for events, {Costs.Slots:N0} slots, seed {first.Seed}. Times in seconds after the
            loss of a region.

            """
        );
        Table(
            text,
            "| | scenario | displaced | half caught up | 99 % | all | publishers' backlog | longest wait for a stream |"
                + " a replica's CPU, at most |",
            results,
            r =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{r.Scenario.Name} | {r.Displaced:N0} | {r.HalfLevelAfter:0.0} | {r.NearlyLevelAfter:0.0} | "
                        + $"{All(r)} | {Backlog(r)} | {r.LongestWait:0.00} | {r.ReplicaLoad:P0}"
                )
        );
        Table(
            text,
            "| | appends/s: before, at most | replays/s, at most | replays in all | gaps read in all | Postgres cores"
                + " for reads, at most | messages/s of a Redis server: before, at most | deliveries/s, before |",
            results,
            Load
        );
        Table(
            text,
            "| | readers with a ledger | judged | their events | their resumes | longest id, bytes | lost "
                + "| duplicates | reordered |",
            results,
            r =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{r.Scenario.Samples:N0} | {r.Judged:N0} | {r.SampledEvents:N0} | {r.SampledResumes:N0} | "
                        + $"{r.LongestId} | {r.Lost} | {r.Duplicates} | {r.Reordered}"
                )
        );
        return text.ToString();
    }

    private static string Load(SimulationResult result)
    {
        var s = result.Seconds;
        var before = s.Take(result.Scenario.LostAt / 1_000).Skip(1).ToList();
        var (reads, gaps) = (s.Sum(x => (long)x.Replays), s.Sum(x => x.GapReads));
        var appends = (Before: before.Average(x => x.Appends), Most: s.Max(x => x.Appends));
        var redis = (Before: before.Average(x => x.RedisMessages), Most: s.Max(x => x.RedisMessages));
        var (cores, deliveries) = (s.Max(x => x.StoreMicroseconds) / 1e6, before.Average(x => x.Deliveries));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{appends.Before:N0}, {appends.Most:N0} | {s.Max(x => x.Replays):N0} | {reads:N0} | {gaps:N0} | "
                + $"{cores:0.0} | {redis.Before:N0}, {redis.Most:N0} | {deliveries:N0}"
        );
    }

    private static void Table(
        StringBuilder text,
        string head,
        IReadOnlyList<SimulationResult> results,
        Func<SimulationResult, string> cells
    )
    {
        var columns = head.Count(c => c == '|') - 2;
        text.AppendLine(head).AppendLine($"|--:|{string.Concat(Enumerable.Repeat("--:|", columns))}");
        for (var i = 0; i < results.Count; i++)
            text.AppendLine(CultureInfo.InvariantCulture, $"| {i + 1} | {cells(results[i])} |");
        text.AppendLine();
    }

    private static string Backlog(SimulationResult result) =>
        result.BacklogAfter > 0 ? FormattableString.Invariant($"{result.BacklogAfter:0.0}") : "-";

    private static string All(SimulationResult result) =>
        double.IsFinite(result.AllLevelAfter)
            ? FormattableString.Invariant($"{result.AllLevelAfter:0.0}")
            : FormattableString.Invariant($"{result.NotCaughtUp:N0} are not");
}
