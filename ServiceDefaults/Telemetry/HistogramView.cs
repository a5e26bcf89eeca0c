using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Which buckets histograms have, as OpenTelemetry's own variable says (OTLP metrics exporter, default aggregation):
/// exponential unless
/// told otherwise, from microseconds to minutes with one relative error. The Aspire dashboard draws explicit buckets
/// only.
/// </summary>
internal static class HistogramView
{
    public const string Variable = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    private const string Explicit = "explicit_bucket_histogram",
        Exponential = "base2_exponential_bucket_histogram";

    // 100 µs to 1 min: a delivery takes milliseconds, a model's answer seconds. OpenTelemetry's own default begins at 5
    // s.
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

    /// <exception cref="InvalidOperationException">The variable has neither of the two values that OpenTelemetry
    /// knows.</exception>
    public static Func<Instrument, MetricStreamConfiguration?> For(string? aggregation) =>
        aggregation switch
        {
            null or "" or Exponential => instrument =>
                IsHistogram(instrument) ? new Base2ExponentialBucketHistogramConfiguration() : null,
            Explicit => instrument =>
                IsHistogram(instrument) && instrument.Unit == "s" && !HasAdvice(instrument)
                    ? new ExplicitBucketHistogramConfiguration { Boundaries = Seconds }
                    : null,
            _ => throw new InvalidOperationException(
                $"{Variable} is '{aggregation}': use {Exponential} or {Explicit}."
            ),
        };

    private static bool IsHistogram(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>);

    private static bool HasAdvice(Instrument instrument) =>
        instrument is Histogram<double> { Advice.HistogramBucketBoundaries.Count: > 0 };
}
