using System.Globalization;
using System.Text.RegularExpressions;

namespace Harness;

/// <summary>A value of a metric, with its labels in the order of their names.</summary>
internal sealed record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    public string Series =>
        $"{Name}{{{string.Join(',', Labels.OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}"))}}}";
}

/// <summary>
/// A reader of Prometheus's text format 0.0.4 that refuses what breaks its rules: unknown lines, names and types, a
/// sample outside its metric's group or there twice, a histogram that is not cumulative.
/// <see href="https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format"/>
/// </summary>
internal sealed partial class MetricsText
{
    private static readonly string[] KnownTypes = ["counter", "gauge", "histogram", "summary", "untyped"];
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

    /// <exception cref="FormatException">The text breaks a rule of the format.</exception>
    public static MetricsText Parse(string text)
    {
        if (!text.EndsWith('\n'))
            throw new FormatException("The last line must end with a line feed.");
        var parsed = new MetricsText();
        var (current, seen) = ("", new HashSet<string>());
        foreach (var line in text.Split('\n')[..^1])
            if (Comment().Match(line) is { Success: true } comment)
            {
                var (keyword, name) = (comment.Groups["keyword"].Value, comment.Groups["name"].Value);
                if (keyword == "TYPE")
                    parsed.AddType(name, comment.Groups["rest"].Value, line);
                if (name != current && !seen.Add(name))
                    throw new FormatException($"The lines of {name} are not one group: {line}");
                current = name;
            }
            else if (!line.StartsWith('#') && line.Length > 0)
                parsed.AddSample(line, current);
        parsed.CheckHistograms();
        return parsed;
    }

    private void AddType(string name, string type, string line)
    {
        if (!KnownTypes.Contains(type) || !_types.TryAdd(name, type))
            throw new FormatException($"An unknown type, or a second one: {line}");
    }

    private void AddSample(string line, string current)
    {
        if (Sample().Match(line) is not { Success: true } match)
            throw new FormatException($"Not a sample: {line}");
        var name = match.Groups["name"].Value;
        var type = _types.GetValueOrDefault(current);
        string[] allowed =
            type == "histogram" ? [$"{current}_bucket", $"{current}_sum", $"{current}_count"] : [current];
        if (!allowed.Contains(name))
            throw new FormatException($"A sample outside of its metric's group ({current}): {line}");
        if (type == "counter" && !name.EndsWith("_total", StringComparison.Ordinal))
            throw new FormatException($"A counter's name must end with _total: {line}");
        var labels = new Dictionary<string, string>();
        foreach (Match label in Label().Matches(match.Groups["labels"].Value))
            if (!labels.TryAdd(label.Groups["name"].Value, Regex.Unescape(label.Groups["value"].Value)))
                throw new FormatException($"A label twice: {line}");
        var sample = new MetricSample(name, labels, Number(match.Groups["value"].Value));
        if (_samples.Any(s => s.Name == name && s.Series == sample.Series))
            throw new FormatException($"A series twice: {line}");
        _samples.Add(sample);
    }

    private void CheckHistograms()
    {
        foreach (var (name, _) in _types.Where(t => t.Value == "histogram"))
        foreach (var series in _samples.Where(s => s.Name == $"{name}_bucket").GroupBy(WithoutBound))
        {
            var buckets = series.Select(s => (Bound: Number(s.Labels["le"]), s.Value)).ToList();
            var count = _samples.Single(s => s.Name == $"{name}_count" && WithoutBound(s) == series.Key).Value;
            if (!double.IsPositiveInfinity(buckets[^1].Bound) || buckets[^1].Value != count)
                throw new FormatException($"The last bucket of {name} must be +Inf and equal to its count.");
            if (
                buckets.Zip(buckets.Skip(1)).Any(p => p.First.Bound >= p.Second.Bound || p.First.Value > p.Second.Value)
            )
                throw new FormatException($"The buckets of {name} are not cumulative.");
        }

        static string WithoutBound(MetricSample s) =>
            string.Join(',', s.Labels.Where(l => l.Key != "le").OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}"));
    }

    private static double Number(string text) =>
        text switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(text, CultureInfo.InvariantCulture),
        };

    [GeneratedRegex(@"^# (?<keyword>HELP|TYPE|UNIT) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<rest>.*)$")]
    private static partial Regex Comment();

    [GeneratedRegex(
        @"^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>([a-zA-Z_]\w*=""([^""\\\n]|\\[\\""n])*"",?)*)\})? "
            + @"(?<value>\S+)( -?\d+)?$"
    )]
    private static partial Regex Sample();

    [GeneratedRegex(@"(?<name>[a-zA-Z_]\w*)=""(?<value>([^""\\]|\\.)*)""")]
    private static partial Regex Label();
}
