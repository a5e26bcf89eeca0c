using System.Text;
using EventStore;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Unit.Streaming;

public class WriteBatchTests
{
    [Fact]
    public void Frames_that_wait_become_one_write_and_one_chunk()
    {
        var log = Log("data: 1\n\n", "data: 22\n\n");
        var join = new WriteBatch(1_024);
        Assert.Equal(2, join.Take(log, 0));
        Assert.Equal("data: 1\n\ndata: 22\n\n", Text(join.Bytes(chunked: false)));
        Assert.Equal("13\r\ndata: 1\n\ndata: 22\n\n\r\n", Text(join.Bytes(chunked: true)));
        Assert.Equal(2, join.LastPosition);
    }

    [Fact]
    public void A_frame_longer_than_a_batch_is_written_alone_and_whole()
    {
        var log = Log("data: 1\n\n", new string('x', 5_000), "data: 3\n\n");
        var join = new WriteBatch(1_024);
        Assert.Equal(1, join.Take(log, 0));
        Assert.Equal(1, join.Take(log, 1));
        Assert.Equal($"1388\r\n{new string('x', 5_000)}\r\n", Text(join.Bytes(chunked: true)));
        Assert.Equal(1, join.Take(log, 2));
        Assert.Equal("9\r\ndata: 3\n\n\r\n", Text(join.Bytes(chunked: true)));
    }

    [Fact]
    public void A_shared_batch_records_each_connections_own_write_time()
    {
        var log = Log("data: 1\n\n", "data: 2\n\n");
        var join = new WriteBatch(1_024);
        foreach (var ms in (int[])[1, 2, 4, 40])
        {
            Assert.Equal(2, join.Take(log, 0));
            var bucket = LatencyBuckets.BucketOf(ms * 1_000);
            Assert.Equal([bucket, bucket], join.BucketsAt(ms * TimeSpan.TicksPerMillisecond, connectedTicks: 0));
        }
        Assert.Equal(1, join.Take(log, 1));
        Assert.Equal(
            [LatencyBuckets.BucketOf(40_000)],
            join.BucketsAt(40 * TimeSpan.TicksPerMillisecond, connectedTicks: 0)
        );
    }

    [Fact]
    public void Latency_of_older_events_counts_from_the_start_of_the_connection()
    {
        var join = new WriteBatch(1_024);
        join.Take(Log("data: 1\n\n", "data: 2\n\n"), 0);
        var (hour, ms) = (TimeSpan.TicksPerHour, TimeSpan.TicksPerMillisecond);
        Assert.Equal(Two(LatencyBuckets.BucketOf(3_600_000_000)), join.BucketsAt(hour, connectedTicks: 0));
        Assert.Equal(Two(LatencyBuckets.BucketOf(5_000)), join.BucketsAt(hour, connectedTicks: hour - 5 * ms));
        // Another connection's part of the same batch is unchanged.
        Assert.Equal(Two(LatencyBuckets.BucketOf(3_600_000_000)), join.BucketsAt(hour, connectedTicks: 0));

        static int[] Two(int bucket) => [bucket, bucket];
    }

    [Fact]
    public void The_end_of_the_log_is_nothing_to_write() =>
        Assert.Equal(0, new WriteBatch(1_024).Take(Log("data: 1\n\n"), 1));

    [Fact]
    public void Quantiles_are_within_a_fifth_of_the_true_ones()
    {
        var histogram = new LatencyBuckets();
        for (var us = 1; us <= 100_000; us++)
            histogram.Add(LatencyBuckets.BucketOf(us));
        var q = histogram.Quantiles()!;
        Assert.InRange(q.P50, 50 * 0.8, 50 * 1.2);
        Assert.InRange(q.P95, 95 * 0.8, 95 * 1.2);
        Assert.InRange(q.P99, 99 * 0.8, 99 * 1.2);
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(0)]
    [InlineData(long.MaxValue / 4)]
    public void A_time_that_a_skewed_clock_made_up_has_a_bucket_too(long microseconds) =>
        Assert.InRange(LatencyBuckets.BucketOf(microseconds), 0, LatencyBuckets.Buckets - 1);

    private static FilterLog Log(params string[] frames)
    {
        var log = new FilterLog(new StreamFilter(["a"], [], [], PlainFormat.Named), 100, 1_000_000);
        log.Reset(Lineage.Alone("e"), 0);
        for (var i = 0; i < frames.Length; i++)
            log.Append(new LogFrame(i + 1, Encoding.UTF8.GetBytes(frames[i]), 0, "k"));
        return log;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
