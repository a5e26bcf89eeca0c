using System.Text;
using System.Text.Json;

namespace LoadTests.Reports;

/// <summary>
/// Compares two runs of the same scenarios on the same machine by ratios; absolute values say more about the machine.
/// </summary>
internal static class Comparison
{
    /// <summary>
    /// The ratio and the difference beyond which a value is worse than noise. Medians of short runs vary by half on a
    /// shared machine, tails by more.
    /// </summary>
    private static readonly Measure[] Measures =
    [
        new("delivery p50 ms", r => Delivery(r, "p50"), 2, 10),
        new("delivery p99 ms", r => Delivery(r, "p99"), 3, 100),
        new("publish p50 ms", r => Number(r, "publishMs", "p50"), 2, 10),
        new("delivered/s", r => Number(r, "deliveredPerSecond"), 1.25, 0) { MoreIsBetter = true },
    ];

    public static int Run(string before, string after, string folder)
    {
        var (first, second) = (Read(before), Read(after));
        var (text, worse) = Table(first, second);

        if (
            !first.Keys.Any(scenario =>
                second.TryGetValue(scenario, out var now) && Differs(first[scenario], now) is null
            )
        )
            throw new LoadTestException(
                $"Nothing can be compared: {before} and {after} have no scenario in common with equal options. "
                    + $"Run both with the same options.\n{text}"
            );

        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "comparison.md"), text);
        Console.Write(text);

        foreach (var line in worse)
            Console.Error.WriteLine($"FAILED: {line}");

        return worse.Count == 0 ? 0 : 1;
    }

    internal static (string Text, IReadOnlyList<string> Worse) Table(
        IReadOnlyDictionary<string, JsonElement> before,
        IReadOnlyDictionary<string, JsonElement> after
    )
    {
        var text = new StringBuilder(
            "# Compared with the base\n\n| scenario | measure | base | now | ratio | |\n|---|---|---|---|---|---|\n"
        );

        var worse = new List<string>();
        foreach (var (scenario, now) in after)
        {
            if (now.TryGetProperty("ok", out var ok) && ok.ValueKind == JsonValueKind.False)
                worse.Add($"{scenario}: a threshold failed; report.md of that run names it");

            if (!before.TryGetValue(scenario, out var then))
            {
                text.AppendLine($"| {scenario} | not compared: the base does not have it | | | | |");
                continue;
            }

            if (Differs(then, now) is { } difference)
            {
                text.AppendLine($"| {scenario} | not compared: {difference} | | | | |");
                continue;
            }

            foreach (var measure in Measures)
            {
                if (measure.Of(then) is not (> 0 and var was) || measure.Of(now) is not { } has)
                    continue;

                var isWorse = measure.IsWorse(was, has);
                if (isWorse)
                    worse.Add(
                        FormattableString.Invariant($"{scenario}: {measure.Name} went from {was:0.##} to {has:0.##}")
                    );

                text.AppendLine(
                    FormattableString.Invariant(
                        $"| {scenario} | {measure.Name} | {was:0.##} | {has:0.##} | {has / was:0.00} | "
                    ) + (isWorse ? "**worse** |" : "|")
                );
            }
        }

        foreach (var scenario in before.Keys.Except(after.Keys))
            text.AppendLine($"| {scenario} | not compared: only the base has it | | | | |");

        return (text.ToString(), worse);
    }

    /// <summary>Returns the option in which the two runs differ, or null when all are equal.</summary>
    private static string? Differs(JsonElement then, JsonElement now)
    {
        foreach (var name in (string[])["chaos", "clients", "rate", "seconds"])
        {
            string was = Text(then, name),
                has = Text(now, name);
            if (was != has)
                return $"{name} was {was}, is {has}";
        }
        return null;
    }

    private static string Text(JsonElement result, string name) =>
        result.TryGetProperty(name, out var value) ? value.ToString() : "not recorded";

    private static Dictionary<string, JsonElement> Read(string path)
    {
        if (Directory.Exists(path))
            throw new LoadTestException($"{path} is a folder. Name the results.jsonl in it.");
        try
        {
            // Several rounds of a scenario count as their best, because other load only makes a run slower.
            return File.ReadLines(path)
                .Where(l => l.Length > 0)
                .Select(l => JsonDocument.Parse(l).RootElement)
                .GroupBy(r =>
                    r.GetProperty("scenario").GetString() ?? throw new JsonException("A line names no scenario.")
                )
                .ToDictionary(g => g.Key, g => g.MinBy(r => Delivery(r, "p50") ?? double.MaxValue));
        }
        catch (Exception e)
            when (e
                    is IOException
                        or UnauthorizedAccessException
                        or JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
            )
        {
            throw new LoadTestException($"{path} is not a results.jsonl of LoadTests: {e.Message}", e);
        }
    }

    // Of the steady window, because the ramp measures the compilation of code; the whole run's if nothing was delivered
    // in the window.
    private static double? Delivery(JsonElement result, string percentile) =>
        Number(result, "steadyDeliveryMs", percentile) ?? Number(result, "deliveryMs", percentile);

    private static double? Number(JsonElement result, params string[] path)
    {
        foreach (var name in path)
            if (result.ValueKind != JsonValueKind.Object || !result.TryGetProperty(name, out result))
                return null;
        return result.ValueKind == JsonValueKind.Number ? result.GetDouble() : null;
    }

    private sealed record Measure(string Name, Func<JsonElement, double?> Of, double Ratio, double Difference)
    {
        public bool MoreIsBetter { get; init; }

        public bool IsWorse(double was, double now) =>
            MoreIsBetter ? now * Ratio < was : now > was * Ratio && now - was > Difference;
    }
}
