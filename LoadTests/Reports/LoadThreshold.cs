using LoadTests.Chaos;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>What a run is held to.</summary>
/// <param name="Says">What must be so.</param>
/// <param name="Failure">What was so instead; null where it held.</param>
internal sealed record LoadThreshold(string Says, string? Failure)
{
    public static IEnumerable<LoadThreshold> Of(ScenarioResult r, LoadOptions options, NodeStats stats)
    {
        var chaos = options.Chaos.Count > 0;
        yield return Must(
            "something is published and received",
            r.Counters.Acknowledged > 0 && r.Received > 0,
            $"nothing was"
        );
        yield return Must("lost = 0", r.Lost == 0, $"{r.Lost} acknowledged events were not received");
        yield return Must("twice = 0", r.Twice == 0, $"{r.Twice} were received again");
        yield return Must("reordered = 0", r.Reordered == 0, $"{r.Reordered} were received after a later one");
        yield return Must(
            "unknown = 0",
            r.Unknown == 0,
            $"{r.Unknown} were received that nobody published for that reader"
        );
        if (r.Generations is { } g)
        {
            yield return Must(
                "byte for byte",
                g.Different == 0,
                $"{g.Different} generations were read otherwise than they were said or are told"
            );
            yield return Must("every generation ends", g.Running == 0, $"{g.Running} did not");
            yield return Must("generations are done", g.Done > 0, $"not one of {g.Begun} was");
            yield return Must(
                chaos
                    ? "generations that fail without a fault of their replica or the store = 0"
                    : "generations that fail = 0",
                g.UnexplainedFailures.Count == 0,
                $"{g.UnexplainedFailures.Count} did, the first: {g.UnexplainedFailures.FirstOrDefault()}"
            );
        }
        yield return Must(
            "resyncs = 0",
            r.Counters.Resyncs == 0,
            $"{r.Counters.Resyncs} clients were told that events may be missing"
        );
        yield return Must(
            "all published events are acknowledged",
            r.Counters.Acknowledged >= r.Counters.Published,
            $"{r.Counters.Published - r.Counters.Acknowledged} of {r.Counters.Published} were not"
        );
        if ((options.MaxP99Ms ?? (chaos ? null : 5_000)) is { } limit)
            yield return Must(
                FormattableString.Invariant($"delivery p99 ≤ {limit:F0} ms"),
                r.Delivery.Percentile(99) <= limit,
                $"it is {r.Delivery.Percentile(99):F0} ms"
            );
        if (chaos)
            yield return Must(
                options.Chaos.Count == 1 ? "1 fault is injected" : $"{options.Chaos.Count} faults are injected",
                r.Faults.Count >= options.Chaos.Count,
                $"{r.Faults.Count} of them"
            );
        foreach (var fault in r.Faults)
            yield return Of(fault);
        if (r.TargetAnswers is { } answers)
            yield return Must(
                $"{options.Target} answers after the faults",
                answers,
                $"it does not, whatever the replicas behind it do"
            );
        // Under chaos a request that failed was made again: the ledger judges those.
        if (chaos)
            yield break;
        foreach (var scenario in stats.ScenarioStats)
        {
            var failed =
                scenario.StepStats.Length > 0
                    ? scenario.StepStats.Sum(s => s.Fail.Request.Count)
                    : scenario.Fail.Request.Count;
            yield return Must(
                $"{scenario.ScenarioName}: failed requests = 0",
                failed == 0,
                $"{failed} failed, by {Codes(scenario)}"
            );
        }
    }

    internal static LoadThreshold Of(FaultRecord fault) =>
        Must(
            $"recovery after {fault.Target.ToLowerInvariant()}",
            fault.RecoverySeconds is not null,
            fault.Recovery.IsKnown
                ? $"not all was as before when the run ended"
                : (FormattableString)$"it is unknown, for no whole second of publishing followed"
        );

    private static string Codes(ScenarioStats scenario) =>
        string.Join(
            "; ",
            scenario
                .StepStats.SelectMany(s => s.Fail.StatusCodes)
                .Concat(scenario.Fail.StatusCodes)
                .Take(3)
                .Select(c => $"{c.StatusCode} {c.Message}".Trim())
        );

    private static LoadThreshold Must(string says, bool holds, FormattableString otherwise) =>
        new(says, holds ? null : FormattableString.Invariant(otherwise).TrimEnd());
}
