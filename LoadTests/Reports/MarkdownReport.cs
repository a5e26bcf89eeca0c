using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using LoadTests.Llm;

namespace LoadTests.Reports;

/// <summary>All scenarios of a run on a page, for a person or a job's summary.</summary>
internal static class MarkdownReport
{
    public static string Of(LoadOptions options, IReadOnlyList<ScenarioResult> results)
    {
        var text = new StringBuilder();
        Line(text, $"# Load tests: {results.Count(r => r.Ok)} of {results.Count} held all thresholds");
        text.AppendLine();
        Line(
            text,
            $"{DateTime.UtcNow:u}, size {options.Size.ToString().ToLowerInvariant()}, chaos {(results.Count > 0 ? results[0].Chaos : "none")}. {Environment.ProcessorCount} cores, .NET {Environment.Version}, {RuntimeInformation.OSDescription}; generator and system share them. Latencies in ms, from before the POST to the event in the client's hands. Rates (deliveries that were asked for, and that came) and CPU are those of the time after the ramp. Excused: tokens that did not come since a fault broke the replica that generated them."
        );
        text.AppendLine();
        Line(
            text,
            $"| scenario | clients | published | received | lost | twice | reordered | excused | offered/s | delivered/s | p50 | p95 | p99 | p99.9 | max | reconnects | drained s | generator µs/event | |"
        );
        Line(text, $"|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var r in results)
        {
            Line(
                text,
                $"| {r.Scenario} | {r.Counters.Connected} | {r.Counters.Published} | {r.Received} | {r.Lost} | {r.Twice} | {r.Reordered} | {r.Excused} | {Known(r.OfferedPerSecond)} | {r.Steady.DeliveredPerSecond:F0} | {r.Delivery.Percentile(50):F1} | {r.Delivery.Percentile(95):F1} | {r.Delivery.Percentile(99):F1} | {r.Delivery.Percentile(99.9):F1} | {r.Delivery.MaxMs:F1} | {r.Counters.Reconnects} | {r.Drained?.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture) ?? "–"} | {r.Steady.MicrosecondsPerEvent:F1} | {(r.Ok ? "held" : "**FAILED**")} |"
            );
        }
        foreach (var r in results.Where(r => !r.Ok))
        {
            text.AppendLine();
            Line(text, $"## {r.Scenario} failed");
            foreach (var failed in r.Failed)
                Line(text, $"- {failed}");
            foreach (var faulty in r.Faulty)
                Line(text, $"\n```\n{faulty}\n```");
        }
        text.AppendLine();
        foreach (var r in results.Where(r => r.Ok))
            Line(text, $"- {r.Scenario} held: {string.Join("; ", r.Held)}");
        AppendFaults(text, results);
        AppendGenerations(text, results);
        AppendOthers(text, results);
        return text.ToString();
    }

    private static void AppendFaults(StringBuilder text, IReadOnlyList<ScenarioResult> results)
    {
        if (results.All(r => r.Faults.Count == 0))
            return;
        text.AppendLine()
            .AppendLine("## Faults")
            .AppendLine()
            .AppendLine("| scenario | target | fault | at s | broken s | clients cut off | as before s after |")
            .AppendLine("|---|---|---|---|---|---|---|");
        foreach (var r in results)
        foreach (var f in r.Faults)
            Line(
                text,
                $"| {r.Scenario} | {f.Target.ToString().ToLowerInvariant()} ({f.Pid}) | {f.Fault.ToString().ToLowerInvariant()} | {f.AtSecond:F1} | {f.BrokenSeconds:F1} | {f.CutOff} | {f.Recovered} |"
            );
        text.AppendLine()
            .AppendLine(
                "As before: every client that was cut off is connected again, nobody who comes is kept out for a second, no open generation is silent for two seconds, three quarters of the deliveries come and of the publishes are acknowledged, and the median is below a second. Unknown: no whole second of publishing followed the fault."
            );
    }

    private static void AppendGenerations(StringBuilder text, IReadOnlyList<ScenarioResult> results)
    {
        foreach (var r in results)
        {
            if (r.Generations is not { } g)
                continue;
            var first = g.FirstToken.Snapshot();
            text.AppendLine()
                .AppendLine("## Generations")
                .AppendLine()
                .AppendLine(
                    "| scenario | begun | done | interrupted | failed | of these without a fault | not byte for byte | drops | first token p50 | p99 | a token p50 | p99 | server µs/token |"
                )
                .AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
            Line(
                text,
                $"| {r.Scenario} | {g.Begun} | {g.Done} | {g.Interrupted} | {g.Failed} | {g.UnexplainedFailures.Count} | {g.Different} | {g.Drops} | {first.Percentile(50):F1} | {first.Percentile(99):F1} | {r.Delivery.Percentile(50):F1} | {r.Delivery.Percentile(99):F1} | {(g.IsTimed ? Known(r.Steady.ServerMicrosecondsPerEvent ?? 0, "F1") : "–")} |"
            );
            text.AppendLine()
                .AppendLine(
                    g.IsTimed
                        ? "A token's latency: from the upstream's socket to the reader's hands, what it waits to be joined in it. Beside a run with the target's `Llm__JoinMilliseconds=0`, which joins nothing, it tells that wait."
                        : "The demo provider's tokens carry no time: what stands for a token's latency is the gap between one event and the next. `--llm-upstream-port` times them."
                );
        }
    }

    // 0 where nobody knows.
    private static string Known(double value, string format = "F0") =>
        value > 0 ? value.ToString(format, CultureInfo.InvariantCulture) : "–";

    private static void AppendOthers(StringBuilder text, IReadOnlyList<ScenarioResult> results)
    {
        text.AppendLine()
            .AppendLine("## Publishing, connecting, catching up")
            .AppendLine()
            .AppendLine("| scenario | publish p50 | p99 | p99.9 | connect p50 | p99 | max | catch-up p50 | p99 | max |")
            .AppendLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (var r in results)
            Line(
                text,
                $"| {r.Scenario} | {r.Publish.Percentile(50):F1} | {r.Publish.Percentile(99):F1} | {r.Publish.Percentile(99.9):F1} | {r.Connect.Percentile(50):F1} | {r.Connect.Percentile(99):F1} | {r.Connect.MaxMs:F1} | {r.CatchUp.Percentile(50):F1} | {r.CatchUp.Percentile(99):F1} | {r.CatchUp.MaxMs:F1} |"
            );
    }

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
