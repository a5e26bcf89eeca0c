// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Collections.Concurrent;
using Measuring;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>The measurements under one name, of a whole scenario or of one of its steps.</summary>
internal sealed class MeasurementSeries
{
    private readonly Outcome _ok = new();
    private readonly Outcome _fail = new();

    public void Record(IResponse response, TimeSpan elapsed)
    {
        var latency = response.CustomLatencyMs > 0 ? TimeSpan.FromMilliseconds(response.CustomLatencyMs) : elapsed;
        (response.IsError ? _fail : _ok).Record(response, latency);
    }

    public MeasurementStats Ok(TimeSpan duration) => _ok.Stats(duration);

    public MeasurementStats Fail(TimeSpan duration) => _fail.Stats(duration);

    private sealed class Outcome
    {
        private readonly LatencyHistogram _latency = new();
        private readonly ConcurrentDictionary<string, StatusCodeStats> _codes = new();
        private long _bytes;

        public void Record(IResponse response, TimeSpan latency)
        {
            _latency.Record(latency);
            Interlocked.Add(ref _bytes, response.SizeBytes);

            if (response.StatusCode.Length > 0)
                _codes.AddOrUpdate(
                    response.StatusCode,
                    static (code, message) => new StatusCodeStats(code, message, 1),
                    // The first message names the cause; later ones may only follow from it.
                    static (_, old, _) => old with { Count = old.Count + 1 },
                    response.Message
                );
        }

        public MeasurementStats Stats(TimeSpan duration)
        {
            var latency = _latency.Snapshot();
            return new MeasurementStats(
                new RequestStats((int)latency.Count, latency.Count / duration.TotalSeconds),
                new LatencyStats(latency.MaxMs, latency.Percentile(50), latency.Percentile(95), latency.Percentile(99)),
                new DataTransferStats(Interlocked.Read(ref _bytes)),
                [.. _codes.Values.OrderBy(code => code.StatusCode, StringComparer.Ordinal)]
            );
        }
    }
}
