using System.Globalization;
using System.Text.RegularExpressions;

namespace Harness;

/// <summary>A value of a metric, with its labels.</summary>
/// <param name="ExemplarTraceId">The trace of one of its measurements, in OpenMetrics; empty: none.</param>
internal sealed record MetricSample(
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    double Value,
    string ExemplarTraceId
);

/// <summary>A scrape in Prometheus's text format or in OpenMetrics, whose rules the exporter is trusted with. A series
/// that is there twice is refused, because that is up to the names and labels of the services' own metrics.</summary>
internal sealed partial class MetricsText
{
    private readonly Dictionary<string, string> _types = [];
    private readonly List<MetricSample> _samples = [];

    public IReadOnlyList<MetricSample> Samples => _samples;

    /// <summary>The type of each metric, by the name of its TYPE line.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    /// <summary>The names of all samples: with <c>_bucket</c>, <c>_sum</c> and <c>_count</c>.</summary>
    public IReadOnlySet<string> Names => _samples.Select(s => s.Name).ToHashSet();

    /// <summary>Adds up the samples of a name with these labels.</summary>
    public double Sum(string name, params (string Name, string Value)[] labels) =>
        _samples
            .Where(s => s.Name == name && labels.All(l => s.Labels.GetValueOrDefault(l.Name) == l.Value))
            .Sum(s => s.Value);

    /// <exception cref="FormatException">A line is not understood, or a metric or series is there twice.</exception>
    public static MetricsText Parse(string text)
    {
        var metrics = new MetricsText();
        var series = new HashSet<string>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            if (line[0] != '#')
                metrics.AddSample(line, series);
            else if (Type().Match(line) is { Success: true } type)
                if (!metrics._types.TryAdd(type.Groups["name"].Value, type.Groups["type"].Value))
                    throw new FormatException($"A metric twice: {line}");

        return metrics;
    }

    private void AddSample(string line, HashSet<string> series)
    {
        if (Sample().Match(line) is not { Success: true } sample)
            throw new FormatException($"Not a sample: {line}");
        if (!series.Add($"{sample.Groups["name"].Value} {sample.Groups["labels"].Value}"))
            throw new FormatException($"A series twice: {line}");

        var labels = Label()
            .Matches(sample.Groups["labels"].Value)
            .ToDictionary(l => l.Groups["name"].Value, l => Regex.Unescape(l.Groups["value"].Value));

        var value = sample.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            var number => double.Parse(number, CultureInfo.InvariantCulture),
        };
        _samples.Add(new(sample.Groups["name"].Value, labels, value, sample.Groups["trace"].Value));
    }

    [GeneratedRegex(@"^# TYPE (?<name>\S+) (?<type>\S+)$")]
    private static partial Regex Type();

    /// <summary>An exemplar follows its sample: <c># {trace_id="…",span_id="…"} 0.003 1.7e9</c>.</summary>
    [GeneratedRegex(
        @"^(?<name>[a-zA-Z_:][\w:]*)(\{(?<labels>([a-zA-Z_]\w*=""([^""\\]|\\.)*"",?)*)\})? (?<value>\S+)"
            + @"( # \{[^}]*trace_id=""(?<trace>\w+)""[^}]*\} .*)?$"
    )]
    private static partial Regex Sample();

    [GeneratedRegex(@"(?<name>[a-zA-Z_]\w*)=""(?<value>([^""\\]|\\.)*)""")]
    private static partial Regex Label();
}
