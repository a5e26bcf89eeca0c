using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Prometheus;

/// <summary>
/// Writes metrics in Prometheus's text format, with the names of OpenTelemetry's conventions for Prometheus.
/// <see href="https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format"/>
/// <see href="https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/"/>
/// </summary>
internal sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private static readonly Dictionary<string, string> Units = new()
    {
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["By"] = "bytes",
        ["%"] = "percent",
    };

    private readonly StringBuilder _text = new();
    private readonly HashSet<string> _written = [];

    /// <summary>Adds a metric. Omits a second one of the same name, and types that the format lacks.</summary>
    public void Add(Metric metric)
    {
        var name = NameOf(metric);
        if (metric.MetricType == MetricType.ExponentialHistogram || !_written.Add(name))
            return;
        if (metric.Description.Length > 0)
            _text
                .Append("# HELP ")
                .Append(name)
                .Append(' ')
                .Append(Escaped(metric.Description, quotes: false))
                .Append('\n');
        _text.Append("# TYPE ").Append(name).Append(' ').Append(TypeOf(metric.MetricType)).Append('\n');
        foreach (ref readonly var point in metric.GetMetricPoints())
            if (metric.MetricType == MetricType.Histogram)
                AddHistogram(name, point);
            else
                AddSample(name, Labels(point.Tags), Value(metric.MetricType, point));
    }

    public override string ToString() => _text.ToString();

    /// <summary>Returns <c>sse_server_lag_seconds</c> for <c>sse.server.lag</c> in <c>s</c>.</summary>
    private static string NameOf(Metric metric)
    {
        var name = new StringBuilder(Sanitized(metric.Name));
        if (Units.TryGetValue(metric.Unit, out var unit) && !metric.Name.EndsWith(unit, StringComparison.Ordinal))
            name.Append('_').Append(unit);
        if (TypeOf(metric.MetricType) == "counter")
            name.Append("_total");
        return name.ToString();
    }

    private static string TypeOf(MetricType type) =>
        type switch
        {
            MetricType.LongSum or MetricType.DoubleSum => "counter",
            MetricType.Histogram => "histogram",
            _ => "gauge",
        };

    private static double Value(MetricType type, in MetricPoint point) =>
        type switch
        {
            MetricType.LongSum or MetricType.LongSumNonMonotonic => point.GetSumLong(),
            MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic => point.GetSumDouble(),
            MetricType.LongGauge => point.GetGaugeLastValueLong(),
            _ => point.GetGaugeLastValueDouble(),
        };

    private void AddHistogram(string name, in MetricPoint point)
    {
        var labels = Labels(point.Tags);
        long below = 0;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            below += bucket.BucketCount;
            var bound = $"le=\"{Number(bucket.ExplicitBound)}\"";
            AddSample($"{name}_bucket", labels.Length > 0 ? $"{labels},{bound}" : bound, below);
        }
        AddSample($"{name}_sum", labels, point.GetHistogramSum());
        AddSample($"{name}_count", labels, point.GetHistogramCount());
    }

    private void AddSample(string name, string labels, double value)
    {
        _text.Append(name);
        if (labels.Length > 0)
            _text.Append('{').Append(labels).Append('}');
        _text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Labels(ReadOnlyTagCollection tags)
    {
        var labels = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            if (labels.Length > 0)
                labels.Append(',');
            var text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
            labels.Append(Sanitized(key)).Append("=\"").Append(Escaped(text, quotes: true)).Append('"');
        }
        return labels.ToString();
    }

    private static string Sanitized(string name)
    {
        var text = string.Create(
            name.Length,
            name,
            static (span, name) =>
            {
                for (var i = 0; i < span.Length; i++)
                    span[i] = char.IsAsciiLetterOrDigit(name[i]) ? name[i] : '_';
            }
        );
        return char.IsAsciiDigit(text[0]) ? "_" + text : text;
    }

    private static string Escaped(string text, bool quotes)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf"
        : double.IsNegativeInfinity(value) ? "-Inf"
        : value.ToString("R", CultureInfo.InvariantCulture);
}
