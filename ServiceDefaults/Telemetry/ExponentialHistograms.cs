using System.Diagnostics.Metrics;
using OpenTelemetry.Metrics;

namespace ServiceDefaults.Telemetry;

/// <summary>Every histogram exponential: from microseconds to minutes with one relative error, and no buckets to choose.</summary>
internal static class ExponentialHistograms
{
    public static MetricStreamConfiguration? View(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>)
            ? new Base2ExponentialBucketHistogramConfiguration()
            : null;
}
