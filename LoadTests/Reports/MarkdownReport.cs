using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Measuring;

namespace LoadTests.Reports;

/// <summary>Writes all scenarios of a run as one Markdown page.</summary>
internal static class MarkdownReport
{
    public static string Of(
        LoadOptions options,
        IReadOnlyList<ScenarioResult> results,
        IReadOnlyList<UnfinishedScenario> unfinished
    )
    {
        var text = new StringBuilder();
        var all = results.Count + unfinished.Count;
        Line(text, $"# Load tests: {results.Count(r => r.Ok)} of {all} held all thresholds");
        text.AppendLine();
        var chaos = results.Count > 0 ? results[0].Chaos : "none";
        Line(
            text,
            $"""
            {DateTime.UtcNow:u}, size {options.Size.ToString().ToLowerInvariant()}, chaos {chaos}.
            {Environment.ProcessorCount} cores, .NET {Environment.Version}, {RuntimeInformation.OSDescription};
            generator and system share them. Latencies are in ms, from before the POST to the event in the client.
            Rates (offered and actual deliveries) and CPU cover the time after the ramp. Excused: tokens missing
            because a fault broke the replica that generated them.
            """
        );

        text.AppendLine();
        text.AppendLine(
            "| scenario | clients | published | received | lost | duplicates | reordered | unknown | excused | "
                + "offered/s | delivered/s | p50 | p95 | p99 | p99.9 | max | reconnects | drained s | "
                + "generator µs/event | |"
        );

        text.AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (var r in results)
            Row(text, Cells(r));

        foreach (var r in results.Where(r => !r.Ok))
        {
            text.AppendLine();
            Line(text, $"## {r.Scenario} {(r.Stopped ? "was stopped" : "failed")}");
            foreach (var failed in r.Failed)
                Line(text, $"- {failed}");

            foreach (var faulty in r.Faulty)
                Line(text, $"\n```\n{faulty}\n```");
        }

        foreach (var missing in unfinished)
            Line(text, $"\n## {missing.Scenario} has no result\n\n{missing.Reason}");

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
            .AppendLine("| scenario | target | fault | at s | broken s | clients disconnected | recovered s |")
            .AppendLine("|---|---|---|---|---|---|---|");

        foreach (var r in results)
        foreach (var f in r.Faults)
            Row(
                text,
                [
                    r.Scenario,
                    $"{f.Target.ToLowerInvariant()} ({f.Pid})",
                    f.Fault.ToLowerInvariant(),
                    Number(f.AtSecond),
                    f.IsBack ? Number(f.BrokenSeconds) : "**not back**",
                    Text(f.CutOff),
                    f.Recovered,
                ]
            );

        text.AppendLine()
            .AppendLine(
                """

                Recovered: every disconnected client is connected again, no client waits longer than a second to
                connect, no open generation is silent for two seconds, three quarters of the deliveries arrive and of
                the publishes are acknowledged, and the median is below a second. Unknown: no whole second of
                publishing followed the fault, or nothing was delivered before it.
                """
            );
    }

    private static void AppendGenerations(StringBuilder text, IReadOnlyList<ScenarioResult> results)
    {
        foreach (var r in results)
        {
            if (r.Generations is not { } g)
                continue;

            text.AppendLine()
                .AppendLine("## Generations")
                .AppendLine()
                .AppendLine(
                    "| scenario | started | completed | interrupted | failed | unexplained | texts differ | drops "
                        + "| first token p50 | p99 | token p50 | p99 | server µs/token |"
                )
                .AppendLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|");

            Row(
                text,
                [
                    r.Scenario,
                    Text(g.Started),
                    Text(g.Completed),
                    Text(g.Interrupted),
                    Text(g.Failed),
                    Text(g.UnexplainedFailures.Count),
                    Text(g.Different),
                    Text(g.Drops),
                    .. Percentiles(g.FirstToken.Snapshot(), 50, 99),
                    .. Percentiles(r.Delivery, 50, 99),
                    g.IsTimed ? Known(r.Steady.ServerMicrosecondsPerEvent ?? 0, "F1") : "–",
                ]
            );

            text.AppendLine()
                .AppendLine(
                    g.IsTimed
                        ? "Token latency runs from the upstream's socket to the reader and includes the coalescing "
                            + "delay. To see that delay, compare with a target that has `Llm__CoalesceMilliseconds=0`."
                        : "The demo provider's tokens carry no time, so the token latency is the gap between two "
                            + "events. `--llm-upstream-port` times the tokens."
                );
        }
    }

    // 0 means unknown.

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
            Row(
                text,
                [
                    r.Scenario,
                    .. Percentiles(r.Publish, 50, 99, 99.9),
                    .. Percentiles(r.Connect, 50, 99, 100),
                    .. Percentiles(r.CatchUp, 50, 99, 100),
                ]
            );
    }

    private static string[] Cells(ScenarioResult r) =>
        [
            r.Scenario,
            Text(r.Counters.Connected),
            Text(r.Counters.Published),
            Text(r.Received),
            Text(r.Lost),
            Text(r.Duplicates),
            Text(r.Reordered),
            Text(r.Unknown),
            Text(r.Excused),
            Known(r.OfferedPerSecond),
            Number(r.Steady.DeliveredPerSecond, "F0"),
            .. Percentiles(r.Delivery, 50, 95, 99, 99.9, 100),
            Text(r.Counters.Reconnects),
            r.Drained is { } drained ? Number(drained.TotalSeconds) : "–",
            Number(r.Steady.MicrosecondsPerEvent),
            r.Stopped ? "stopped"
            : r.Ok ? "held"
            : "**FAILED**",
        ];

    private static IEnumerable<string> Percentiles(LatencySnapshot latency, params double[] percents) =>
        percents.Select(percent => latency.Count == 0 ? "–" : Number(latency.Percentile(percent)));

    private static string Number(double value, string format = "F1") =>
        value.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static void Row(StringBuilder text, IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");

    private static void Line(StringBuilder text, FormattableString line) =>
        text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
