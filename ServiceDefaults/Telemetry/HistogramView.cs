using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Telemetry;

/// <summary>Chooses histogram buckets by OpenTelemetry's own variable: exponential by default, with the same relative
/// error everywhere. The Aspire dashboard and Prometheus's text format only have explicit ones.</summary>
internal static class HistogramView
{
    public const string Variable = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    private const string Explicit = "explicit_bucket_histogram",
        Exponential = "base2_exponential_bucket_histogram";

    // 100 µs to 1 min: a delivery takes milliseconds, a model's
    // answer seconds. OpenTelemetry's own buckets start at 5 s.
    private static readonly double[] Seconds =
    [
        0.0001,
        0.00025,
        0.0005,
        0.001,
        0.0025,
        0.005,
        0.01,
        0.025,
        0.05,
        0.1,
        0.25,
        0.5,
        1,
        2.5,
        5,
        10,
        30,
        60,
    ];

    /// <param name="prometheus">True if Prometheus reads them too: explicit unless the variable says otherwise.</param>
    /// <exception cref="InvalidOperationException">Unknown value, or one that Prometheus cannot read.</exception>
    public static Func<Instrument, MetricStreamConfiguration?> For(string? aggregation, bool prometheus = false) =>
        (aggregation is null or "" && prometheus ? Explicit : aggregation) switch
        {
            Exponential when prometheus => throw new InvalidOperationException(
                $"{Variable} is '{Exponential}', but Prometheus reads the metrics (Telemetry:Prometheus:Url) and its "
                    + $"text format has no such histograms. Use {Explicit}, or leave the variable out."
            ),
            null or "" or Exponential => instrument =>
                IsHistogram(instrument) ? new Base2ExponentialBucketHistogramConfiguration() : null,
            Explicit => instrument =>
                IsHistogram(instrument) && instrument.Unit == "s" && !HasAdvice(instrument)
                    ? new ExplicitBucketHistogramConfiguration { Boundaries = Seconds }
                    : null,
            _ => throw new InvalidOperationException(
                $"{Variable} is '{aggregation}'; it must be {Exponential} or {Explicit}."
            ),
        };

    private static bool IsHistogram(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>);

    private static bool HasAdvice(Instrument instrument) =>
        instrument is Histogram<double> { Advice.HistogramBucketBoundaries.Count: > 0 };
}
