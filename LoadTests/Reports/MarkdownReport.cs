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

        foreach (var result in results)
            Row(text, Cells(result));

        foreach (var result in results.Where(r => !r.Ok))
        {
            text.AppendLine();
            Line(text, $"## {result.Scenario} {(result.Stopped ? "was stopped" : "failed")}");

            foreach (var failed in result.Failed)
                Line(text, $"- {failed}");

            foreach (var faulty in result.Faulty)
                Line(text, $"\n```\n{faulty}\n```");
        }

        foreach (var missing in unfinished)
            Line(text, $"\n## {missing.Scenario} has no result\n\n{missing.Reason}");

        text.AppendLine();

        foreach (var result in results.Where(r => r.Ok))
            Line(text, $"- {result.Scenario} held: {string.Join("; ", result.Held)}");

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

        foreach (var result in results)
        foreach (var fault in result.Faults)
            Row(
                text,
                [
                    result.Scenario,
                    $"{fault.Target.ToLowerInvariant()} ({fault.Pid})",
                    fault.Fault.ToLowerInvariant(),
                    Number(fault.AtSecond),
                    fault.IsBack ? Number(fault.BrokenSeconds) : "**not back**",
                    Text(fault.CutOff),
                    fault.Recovered,
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
        foreach (var result in results)
        {
            if (result.Generations is not { } stats)
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
                    result.Scenario,
                    Text(stats.Started),
                    Text(stats.Completed),
                    Text(stats.Interrupted),
                    Text(stats.Failed),
                    Text(stats.UnexplainedFailures.Count),
                    Text(stats.Different),
                    Text(stats.Drops),
                    .. Percentiles(stats.FirstToken.Snapshot(), 50, 99),
                    .. Percentiles(result.Delivery, 50, 99),
                    stats.IsTimed ? Known(result.Steady.ServerMicrosecondsPerEvent ?? 0, "F1") : "–",
                ]
            );

            text.AppendLine()
                .AppendLine(
                    stats.IsTimed
                        ? "Token latency runs from the upstream's socket to the reader and includes the coalescing "
                            + "delay. To see that delay, compare with a target that has "
                            + "`AspireSse__Llm__CoalesceMilliseconds=0`."
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
        foreach (var result in results)
            Row(
                text,
                [
                    result.Scenario,
                    .. Percentiles(result.Publish, 50, 99, 99.9),
                    .. Percentiles(result.Connect, 50, 99, 100),
                    .. Percentiles(result.CatchUp, 50, 99, 100),
                ]
            );
    }

    private static string[] Cells(ScenarioResult result) =>
        [
            result.Scenario,
            Text(result.Counters.Connected),
            Text(result.Counters.Published),
            Text(result.Received),
            Text(result.Lost),
            Text(result.Duplicates),
            Text(result.Reordered),
            Text(result.Unknown),
            Text(result.Excused),
            Known(result.OfferedPerSecond),
            Number(result.Steady.DeliveredPerSecond, "F0"),
            .. Percentiles(result.Delivery, 50, 95, 99, 99.9, 100),
            Text(result.Counters.Reconnects),
            result.Drained is { } drained ? Number(drained.TotalSeconds) : "–",
            Number(result.Steady.MicrosecondsPerEvent),
            result.Stopped ? "stopped"
            : result.Ok ? "held"
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
