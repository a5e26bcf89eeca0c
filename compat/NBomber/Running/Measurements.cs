// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Collections.Concurrent;
using Measuring;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>The measurements under one name, of a whole scenario or of one of its steps.</summary>
internal sealed class Measurements
{
    private readonly Side _ok = new(isError: false),
        _fail = new(isError: true);

    public long OkCount => _ok.Count;
    public long FailCount => _fail.Count;

    public void Record(IResponse response, TimeSpan elapsed)
    {
        var latency = response.CustomLatencyMs > 0 ? TimeSpan.FromMilliseconds(response.CustomLatencyMs) : elapsed;
        (response.IsError ? _fail : _ok).Record(response, latency);
    }

    public (MeasurementStats Ok, MeasurementStats Fail) Stats(TimeSpan duration)
    {
        LatencySnapshot ok = _ok.Latency(),
            fail = _fail.Latency();
        var all = ok.Count + fail.Count;
        return (_ok.Stats(ok, all, duration), _fail.Stats(fail, all, duration));
    }

    public LatencySnapshot OkLatency() => _ok.Latency();

    private sealed class Side(bool isError)
    {
        private readonly LatencyHistogram _latency = new(),
            _bytes = new();
        private readonly ConcurrentDictionary<string, (int Count, string Message)> _codes = new();

        public long Count => _latency.Count();

        public void Record(IResponse response, TimeSpan latency)
        {
            _latency.Record(latency);
            if (response.SizeBytes > 0)
                _bytes.RecordTicks(response.SizeBytes);
            if (response.StatusCode.Length > 0)
                _codes.AddOrUpdate(
                    response.StatusCode,
                    static (_, message) => (1, message),
                    // The first message names the cause; later ones may only follow from it.
                    static (_, old, _) => (old.Count + 1, old.Message),
                    response.Message
                );
        }

        public LatencySnapshot Latency() => _latency.Snapshot();

        public MeasurementStats Stats(LatencySnapshot latency, long all, TimeSpan duration)
        {
            var bytes = _bytes.Snapshot();
            // The histogram counts bytes as if they were ticks of 100 ns.
            long Bytes(double milliseconds) => (long)Math.Round(milliseconds * TimeSpan.TicksPerMillisecond);
            return new MeasurementStats(
                new RequestStats(
                    (int)latency.Count,
                    duration > TimeSpan.Zero ? Math.Round(latency.Count / duration.TotalSeconds, 2) : 0,
                    Percent(latency.Count, all)
                ),
                new LatencyStats(
                    Round(latency.MinMs),
                    Round(latency.MeanMs),
                    Round(latency.MaxMs),
                    Round(latency.Percentile(50)),
                    Round(latency.Percentile(75)),
                    Round(latency.Percentile(95)),
                    Round(latency.Percentile(99)),
                    Round(latency.StdDevMs()),
                    new LatencyCount(
                        (int)latency.CountWithin(-1, 800),
                        (int)(latency.CountWithin(800, 1_200) - latency.CountWithin(1_199.999, 1_200)),
                        (int)latency.CountWithin(1_199.999, double.MaxValue)
                    )
                ),
                new DataTransferStats(
                    Bytes(bytes.MinMs),
                    Bytes(bytes.MeanMs),
                    Bytes(bytes.MaxMs),
                    Bytes(bytes.Percentile(50)),
                    Bytes(bytes.Percentile(75)),
                    Bytes(bytes.Percentile(95)),
                    Bytes(bytes.Percentile(99)),
                    Bytes(bytes.StdDevMs()),
                    Bytes(bytes.SumMs)
                ),
                [
                    .. _codes
                        .OrderBy(c => c.Key, StringComparer.Ordinal)
                        .Select(c => new StatusCodeStats(
                            c.Key,
                            isError,
                            c.Value.Message,
                            c.Value.Count,
                            Percent(c.Value.Count, all)
                        )),
                ]
            );
        }
    }

    private static int Percent(long part, long all) => all == 0 ? 0 : (int)Math.Round(part * 100.0 / all);

    private static double Round(double ms) => Math.Round(ms, 3);
}
