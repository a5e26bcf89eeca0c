using System.Diagnostics;
using Streaming.Metrics;

namespace Benchmarks.Measurements;

/// <summary>Measures the cost of each connection's latency statistics beside that of a delivery: reading the clock
/// and counting in two histograms. Runs StreamApi's own code in this process, for as many connections.</summary>
internal sealed class Bookkeeping : Measurement
{
    private const int Streams = 1_000,
        Rate = 50,
        Passes = 4_000;

    private static readonly Metric Time = new("latency of each connection", "ns/delivery");
    private static readonly Metric Share = new("share of the delivering process's CPU", "%");
    private static readonly Metric Size = new("memory of a connection's histogram", "B");

    public Bookkeeping()
        : base("bookkeeping", $"latency histograms of {Streams:N0} connections, beside {Rate} events/s to them") =>
        Goals = new Dictionary<string, Goal> { [Share.Name] = Goal.AtMost(3), [Size.Name] = Goal.AtMost(1_000) };

    public override async Task RunAsync(BenchmarkRun run, CancellationToken cancellationToken)
    {
        var (nanoseconds, bytes) = Measure();
        var delivery = await FanOut.DeliverAsync(run, run.StreamApi, Streams, Rate, run.Seconds(5), cancellationToken);
        var front = delivery.FrontCpu * 1e6 / delivery.Read.Events;
        run.Record(this, Subject, (Time, nanoseconds), (Share, nanoseconds / (front * 1_000) * 100), (Size, bytes));
    }

    private static (double Nanoseconds, double Bytes) Measure()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var histograms = new LatencyBuckets[Streams];
        for (var i = 0; i < histograms.Length; i++)
            histograms[i] = new LatencyBuckets();

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Streams;

        var totals = new long[LatencyBuckets.Buckets];
        var committed = DateTime.UtcNow.Ticks;
        var clock = TimeProvider.System;
        var best = TimeSpan.MaxValue;

        // Takes the best of many passes: the first run unoptimized code, others are interrupted.
        for (var pass = 0; pass < Passes; pass++)
        {
            var start = Stopwatch.GetTimestamp();

            foreach (var histogram in histograms)
            {
                var bucket = LatencyBuckets.BucketOf(
                    (clock.GetUtcNow().UtcTicks - committed) / TimeSpan.TicksPerMicrosecond
                );
                histogram.Add(bucket);
                totals[bucket]++;
            }

            var took = Stopwatch.GetElapsedTime(start);
            if (took < best)
                best = took;
        }

        return (best.TotalNanoseconds / Streams, bytes);
    }
}
