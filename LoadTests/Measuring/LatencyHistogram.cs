using System.Numerics;

namespace LoadTests.Measuring;

/// <summary>
/// Counts latencies in buckets of equal relative width: 64 to each power of two, so a percentile is at most 1.6 % above the true value,
/// from microseconds to hours, in 30 kB. Thread-safe without locks.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6, Sub = 1 << SubBits;
    private readonly long[] _counts = new long[(64 - SubBits + 1) * Sub];
    private long _sum, _max, _min = long.MaxValue;

    public void Record(TimeSpan latency) => RecordTicks(latency.Ticks);

    /// <param name="ticks">Of 100 ns; below 0 counts as 0.</param>
    public void RecordTicks(long ticks)
    {
        if (ticks < 0) ticks = 0;
        Interlocked.Increment(ref _counts[IndexOf(ticks)]);
        Interlocked.Add(ref _sum, ticks);
        for (var max = Volatile.Read(ref _max); ticks > max;)
            if ((max = Interlocked.CompareExchange(ref _max, ticks, max)) >= ticks) break;
        for (var min = Volatile.Read(ref _min); ticks < min;)
            if ((min = Interlocked.CompareExchange(ref _min, ticks, min)) <= ticks) break;
    }

    public LatencySnapshot Snapshot()
    {
        var counts = new long[_counts.Length];
        for (var i = 0; i < counts.Length; i++) counts[i] = Volatile.Read(ref _counts[i]);
        return new LatencySnapshot(counts, Volatile.Read(ref _sum), Volatile.Read(ref _min), Volatile.Read(ref _max));
    }

    // 0…63 one bucket each; then 64 buckets to each octave.
    private static int IndexOf(long ticks)
    {
        if (ticks < Sub) return (int)ticks;
        var exponent = BitOperations.Log2((ulong)ticks);
        return ((exponent - SubBits + 1) << SubBits) + (int)((ticks >> (exponent - SubBits)) & (Sub - 1));
    }

    /// <summary>The highest value of a bucket: a percentile never says less than what was measured.</summary>
    internal static long UpperBound(int index)
    {
        if (index < Sub) return index;
        var exponent = (index >> SubBits) + SubBits - 1;
        return ((long)((index & (Sub - 1)) | Sub) << (exponent - SubBits)) + (1L << (exponent - SubBits)) - 1;
    }
}

/// <summary>A histogram as it stood. Milliseconds throughout.</summary>
internal sealed class LatencySnapshot(long[] counts, long sumTicks, long minTicks, long maxTicks)
{
    private const double TicksPerMs = TimeSpan.TicksPerMillisecond;
    private readonly long[] _counts = counts;
    private readonly long _sum = sumTicks;

    public long Count { get; } = counts.Sum();
    public double MinMs => Count == 0 ? 0 : minTicks / TicksPerMs;
    public double MaxMs => Count == 0 ? 0 : maxTicks / TicksPerMs;
    public double MeanMs => Count == 0 ? 0 : _sum / TicksPerMs / Count;

    /// <summary>The smallest bucket bound that at least this share of the values does not exceed (nearest rank).</summary>
    /// <param name="percent">Above 0, to 100.</param>
    public double Percentile(double percent)
    {
        if (Count == 0) return 0;
        var rank = Math.Max(1, (long)Math.Ceiling(percent / 100 * Count));
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
            if ((seen += _counts[i]) >= rank) return Math.Min(LatencyHistogram.UpperBound(i), maxTicks) / TicksPerMs;
        return MaxMs;
    }

    public double StdDevMs()
    {
        if (Count == 0) return 0;
        double mean = MeanMs, squares = 0;
        for (var i = 0; i < _counts.Length; i++)
            if (_counts[i] > 0) squares += _counts[i] * Math.Pow(LatencyHistogram.UpperBound(i) / TicksPerMs - mean, 2);
        return Math.Sqrt(squares / Count);
    }

    public long CountWithin(double aboveMs, double toMs)
    {
        long count = 0;
        for (var i = 0; i < _counts.Length; i++)
            if (LatencyHistogram.UpperBound(i) / TicksPerMs is var ms && ms > aboveMs && ms <= toMs) count += _counts[i];
        return count;
    }

    /// <summary>What came after an earlier snapshot of the same histogram; its minimum and maximum are those of the whole.</summary>
    public LatencySnapshot Since(LatencySnapshot earlier)
    {
        var difference = new long[_counts.Length];
        for (var i = 0; i < difference.Length; i++) difference[i] = _counts[i] - earlier._counts[i];
        return new LatencySnapshot(difference, _sum - earlier._sum, minTicks, maxTicks);
    }
}
