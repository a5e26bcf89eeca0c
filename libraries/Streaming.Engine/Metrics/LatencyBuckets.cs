using System.Numerics;

namespace Streaming.Metrics;

/// <summary>Delivery times of one connection in 64 buckets (256 bytes), two per doubling from 1 µs: quantiles within 20
/// %. Only the connection's loop writes; readers may miss the latest counts.</summary>
internal sealed class LatencyBuckets
{
    public const int Buckets = 64;

    // Null until the first delivery, because most streams are idle.
    private uint[]? _counts;

    /// <summary>Returns the bucket: twice the exponent, plus one in the upper half (by √2).</summary>
    public static int BucketOf(long microseconds)
    {
        if (microseconds < 2)
            return 0;
        var exponent = BitOperations.Log2((ulong)microseconds);
        var upper = microseconds * microseconds >= 1L << (2 * exponent + 1);
        return Math.Min(Buckets - 1, 2 * exponent + (upper ? 1 : 0));
    }

    /// <summary>Returns the geometric middle of a bucket, in microseconds.</summary>
    public static double MiddleOf(int bucket) => Math.Pow(2, (bucket + 0.5) / 2);

    public void Add(int bucket) => (_counts ??= new uint[Buckets])[bucket]++;

    public void AddTo(Span<long> totals)
    {
        if (_counts is not { } counts)
            return;

        for (var i = 0; i < Buckets; i++)
            totals[i] += counts[i];
    }

    /// <summary>Returns the quantiles in milliseconds (the geometric middles of their buckets), or null without
    /// deliveries.</summary>
    public LatencyQuantiles? Quantiles()
    {
        Span<long> totals = stackalloc long[Buckets];
        AddTo(totals);
        return Quantiles(totals);
    }

    public static LatencyQuantiles? Quantiles(ReadOnlySpan<long> counts)
    {
        long all = 0;
        foreach (var count in counts)
            all += count;
        if (all == 0)
            return null;
        return new LatencyQuantiles(At(counts, all, 0.50), At(counts, all, 0.95), At(counts, all, 0.99));
    }

    private static double At(ReadOnlySpan<long> counts, long all, double quantile)
    {
        var rank = (long)Math.Ceiling(quantile * all);
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
            if ((seen += counts[i]) >= rank)
                return Math.Round(MiddleOf(i) / 1000, 4);
        return 0;
    }
}

/// <summary>Milliseconds from the commit, or from the connect if that is later, to the socket write.</summary>
internal sealed record LatencyQuantiles(double P50, double P95, double P99);
