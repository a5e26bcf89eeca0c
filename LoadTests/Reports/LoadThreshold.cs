using LoadTests.Chaos;
using LoadTests.Measurements;
using NBomber.Contracts.Stats;

namespace LoadTests.Reports;

/// <summary>A condition that a run must meet.</summary>
/// <param name="Rule">The condition.</param>
/// <param name="Failure">The failure, or null when the condition held.</param>
internal sealed record LoadThreshold(string Rule, string? Failure)
{
    /// <summary>Returns the thresholds of a scenario in the order of its report.</summary>
    public static IEnumerable<LoadThreshold> Of(ScenarioResult result, LoadOptions options, ScenarioEnd end)
    {
        if (end.Stopped)
            return OfEnd(end);

        var chaos = options.Chaos.Count > 0;
        return
        [
            .. OfEnd(end),
            .. OfLedger(result),
            .. result.Generations is { } generations ? OfGenerations(generations, chaos) : [],
            .. OfClients(result, end),
            .. OfPublishing(result),
            .. (options.MaxP99Ms ?? (chaos ? null : 5_000)) is { } limit
                ? [OfLatency(result, limit)]
                : Array.Empty<LoadThreshold>(),
            .. chaos ? OfFaults(result, options, end) : OfRequests(end),
        ];
    }

    private static IEnumerable<LoadThreshold> OfEnd(ScenarioEnd end)
    {
        if (end.Interruption is { } interruption)
            yield return new LoadThreshold("the scenario runs to its end", interruption);
    }

    private static IEnumerable<LoadThreshold> OfLedger(ScenarioResult result) =>
        [
            Must(
                "events are published and received",
                result.Counters.Acknowledged > 0 && result.Received > 0,
                $"none were"
            ),
            Must("lost = 0", result.Lost == 0, $"{result.Lost} acknowledged events were not received"),
            Must("duplicates = 0", result.Duplicates == 0, $"{result.Duplicates} events were received more than once"),
            Must("reordered = 0", result.Reordered == 0, $"{result.Reordered} events were received after a later one"),
            Must(
                "unknown = 0",
                result.Unknown == 0,
                $"{result.Unknown} received events were never published for their reader"
            ),
        ];

    private static IEnumerable<LoadThreshold> OfGenerations(GenerationStats stats, bool chaos) =>
        [
            Must(
                "texts are equal byte for byte",
                stats.Different == 0,
                $"the text of {stats.Different} generations differs from the upstream's or the server's"
            ),
            Must("every generation ends", stats.Running == 0, $"{stats.Running} did not end"),
            Must("generations complete", stats.Completed > 0, $"none of {stats.Started} completed"),
            Must(
                chaos ? "failed generations that no fault explains = 0" : "failed generations = 0",
                stats.UnexplainedFailures.Count == 0,
                $"{stats.UnexplainedFailures.Count} failed, first: {stats.UnexplainedFailures.FirstOrDefault()}"
            ),
        ];

    private static IEnumerable<LoadThreshold> OfClients(ScenarioResult result, ScenarioEnd end)
    {
        yield return Must(
            "resyncs = 0",
            result.Counters.Resyncs == 0,
            $"{result.Counters.Resyncs} clients received a resync"
        );

        if (result.NotConnected is { } away)
            yield return Must("all clients connect", away == 0, $"{away} of {result.Scale.Clients} did not");

        yield return Must(
            "every connect is answered",
            end.Unanswered == 0,
            $"{end.Unanswered} clients were still connecting at the end"
        );
    }

    private static IEnumerable<LoadThreshold> OfPublishing(ScenarioResult result)
    {
        if (result.Scheduled > 0)
            yield return Must(
                "the generator keeps the requested rate (95 %)",
                result.Counters.Published >= 0.95 * result.Scheduled,
                $"it began {result.Counters.Published} of {result.Scheduled:F0} publishes"
            );
        yield return Must(
            "all published events are acknowledged",
            result.Counters.Acknowledged >= result.Counters.Published,
            $"{result.Counters.Published - result.Counters.Acknowledged} of {result.Counters.Published} were not"
        );
    }

    private static LoadThreshold OfLatency(ScenarioResult result, double limit) =>
        Must(
            FormattableString.Invariant($"delivery p99 ≤ {limit:F0} ms"),
            result.Delivery.Percentile(99) <= limit,
            $"it is {result.Delivery.Percentile(99):F0} ms"
        );

    private static IEnumerable<LoadThreshold> OfFaults(ScenarioResult result, LoadOptions options, ScenarioEnd end)
    {
        yield return Must(
            options.Chaos.Count == 1 ? "1 fault is injected" : $"{options.Chaos.Count} faults are injected",
            result.Faults.Count >= options.Chaos.Count,
            $"{result.Faults.Count} were injected. {end.FaultProblem}"
        );

        foreach (var fault in result.Faults)
        {
            yield return Return(fault);
            yield return Of(fault);
        }

        if (result.TargetAnswers is { } answers)
            yield return Must(
                $"{options.Target} answers after the faults",
                answers,
                $"it does not answer, though replicas behind it may"
            );
    }

    /// <summary>Not under faults: failed requests are retried then, and the ledger judges.</summary>
    private static IEnumerable<LoadThreshold> OfRequests(ScenarioEnd end) =>
        from scenario in end.Stats?.ScenarioStats ?? []
        let failed = scenario.StepStats.Length > 0
            ? scenario.StepStats.Sum(s => s.Fail.Request.Count)
            : scenario.Fail.Request.Count
        select Must(
            $"{scenario.ScenarioName}: failed requests = 0",
            failed == 0,
            $"{failed} failed, by {Codes(scenario)}"
        );

    internal static LoadThreshold Return(FaultRecord fault) =>
        Must(
            $"{fault.Target.ToLowerInvariant()} is back after the fault",
            fault.IsBack,
            $"it did not restart within {fault.BrokenSeconds:F0} s"
        );

    internal static LoadThreshold Of(FaultRecord fault) =>
        Must(
            $"recovery after {fault.Target.ToLowerInvariant()}",
            fault.RecoverySeconds is not null,
            fault.Recovery.IsKnown
                ? $"the system had not recovered when the run ended"
                : (FormattableString)$"unknown: no whole second of publishing followed, or nothing was delivered before"
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

    private static LoadThreshold Must(string rule, bool holds, FormattableString otherwise) =>
        new(rule, holds ? null : FormattableString.Invariant(otherwise).TrimEnd());
}
