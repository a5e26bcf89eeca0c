using System.Text;
using EventStore;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Metrics;

namespace Core.Streaming;

public class WriteBatchTests
{
    [Fact]
    public void Frames_that_wait_become_one_write_and_one_chunk()
    {
        var ring = RingOf("data: 1\n\n", "data: 22\n\n");
        var join = new WriteBatch(1_024);
        Assert.Equal(2, join.Take(ring, 0));
        Assert.Equal("data: 1\n\ndata: 22\n\n", Text(join.Bytes(chunked: false)));
        Assert.Equal("13\r\ndata: 1\n\ndata: 22\n\n\r\n", Text(join.Bytes(chunked: true)));
        Assert.Equal(2, join.LastPosition);
    }

    [Fact]
    public void A_frame_longer_than_a_batch_is_written_alone_and_whole()
    {
        var ring = RingOf("data: 1\n\n", new string('x', 5_000), "data: 3\n\n");
        var join = new WriteBatch(1_024);
        Assert.Equal(1, join.Take(ring, 0));
        Assert.Equal(1, join.Take(ring, 1));
        Assert.Equal($"1388\r\n{new string('x', 5_000)}\r\n", Text(join.Bytes(chunked: true)));
        Assert.Equal(1, join.Take(ring, 2));
        Assert.Equal("9\r\ndata: 3\n\n\r\n", Text(join.Bytes(chunked: true)));
    }

    [Fact]
    public void A_shared_batch_records_each_connections_own_write_time()
    {
        var ring = RingOf("data: 1\n\n", "data: 2\n\n");
        var join = new WriteBatch(1_024);

        foreach (var ms in (int[])[1, 2, 4, 40])
        {
            Assert.Equal(2, join.Take(ring, 0));
            var bucket = LatencyBuckets.BucketOf(ms * 1_000);
            Assert.Equal([bucket, bucket], join.BucketsAt(ms * TimeSpan.TicksPerMillisecond, connectedTicks: 0));
        }

        Assert.Equal(1, join.Take(ring, 1));
        Assert.Equal(
            [LatencyBuckets.BucketOf(40_000)],
            join.BucketsAt(40 * TimeSpan.TicksPerMillisecond, connectedTicks: 0)
        );
    }

    [Fact]
    public void Latency_of_older_events_counts_from_the_start_of_the_connection()
    {
        var join = new WriteBatch(1_024);
        join.Take(RingOf("data: 1\n\n", "data: 2\n\n"), 0);
        var hour = TimeSpan.TicksPerHour;
        var ms = TimeSpan.TicksPerMillisecond;
        Assert.Equal(Two(LatencyBuckets.BucketOf(3_600_000_000)), join.BucketsAt(hour, connectedTicks: 0));
        Assert.Equal(Two(LatencyBuckets.BucketOf(5_000)), join.BucketsAt(hour, connectedTicks: hour - 5 * ms));
        // Another connection's part of the same batch is unchanged.
        Assert.Equal(Two(LatencyBuckets.BucketOf(3_600_000_000)), join.BucketsAt(hour, connectedTicks: 0));

        static int[] Two(int bucket) => [bucket, bucket];
    }

    [Fact]
    public void Nothing_follows_the_frame_that_ends_a_stream()
    {
        var ring = RingOf("data: 1\n\n");
        ring.Append(new LogFrame(2, "data: 2\n\n"u8.ToArray(), 0, "k", Ends: true, Epoch: "e"));
        ring.Append(new LogFrame(3, "data: 3\n\n"u8.ToArray(), 0, "k"));

        var batch = new WriteBatch(1_024);
        Assert.Equal((2, true), (batch.Take(ring, 0), batch.Ends));
        Assert.Equal((2, "e", 2), (batch.LastPosition, batch.LastEpoch, batch.Count));
        Assert.Equal("data: 1\n\ndata: 2\n\n", Text(batch.Bytes(chunked: false)));
    }

    [Fact]
    public void A_store_page_is_written_in_parts_of_whole_frames()
    {
        var batch = new WriteBatch(1_024);
        var page = Frames(600);
        Assert.Equal(3, batch.Take(page, 0, mostBytes: 10));
        Assert.Equal(1, batch.Take(page, 3, mostBytes: 1)); // a frame is written even if it is larger
        Assert.Equal(512, batch.Take(page, 0, mostBytes: 1_000_000));
        Assert.Equal(88, batch.Take(page, 512, mostBytes: 1_000_000));
        Assert.Equal(0, batch.Take(page, 600, mostBytes: 1_000_000));
    }

    [Fact]
    public void Connections_of_a_log_share_a_write_that_they_do_not_take_and_those_of_a_page_do_not()
    {
        var ring = RingOf("data: 1\n\n");
        var batch = new WriteBatch(1_024);
        batch.Take(ring, 0);
        var pending = batch.Pending();

        Assert.Equal("9\r\ndata: 1\n\n\r\n", Text(pending!.Bytes));
        batch.Take(ring, 0);
        Assert.Same(pending, batch.Pending());
        ring.Append(new LogFrame(2, "data: 2\n\n"u8.ToArray(), 0, "k"));
        batch.Take(ring, 1);
        Assert.Equal("9\r\ndata: 2\n\n\r\n", Text(batch.Pending()!.Bytes));
        batch.Take(Frames(3), 0, mostBytes: 1_000);
        Assert.Null(batch.Pending());
    }

    [Fact]
    public void A_batch_that_has_begun_gets_newer_frames_only_after_it_was_emptied()
    {
        var ring = RingOf("data: 1\n\n");
        var batch = new WriteBatch(1_024);
        batch.Take(ring, 0);
        ring.Append(new LogFrame(2, "data: 2\n\n"u8.ToArray(), 0, "k"));
        Assert.Equal(1, batch.Take(ring, 0));
        batch.Clear();
        Assert.Equal(2, batch.Take(ring, 0));
        Assert.Equal("data: 1\n\ndata: 2\n\n", Text(batch.Bytes(chunked: false)));
    }

    /// <summary>One event for thousands of filters is copied once.</summary>
    [Fact]
    public void Filters_that_share_their_frames_share_the_bytes_and_others_do_not()
    {
        var (one, same, other) = (RingOf(), RingOf(), RingOf("data: x\n\n"));

        foreach (var frame in Frames(2))
        {
            one.Append(frame);
            same.Append(frame);
        }

        var batch = new WriteBatch(1_024);
        Assert.Equal(2, batch.Take(one, 0));
        var bytes = Text(batch.Bytes(chunked: false));

        Assert.Equal(2, batch.Take(same, 0));
        Assert.Equal(bytes, Text(batch.Bytes(chunked: false)));
        Assert.Equal(1, batch.Take(other, 0));
        Assert.Equal("data: x\n\n", Text(batch.Bytes(chunked: false)));
        Assert.Equal(2, batch.Take(same, 0));
        Assert.Equal(bytes, Text(batch.Bytes(chunked: false)));
    }

    [Fact]
    public void The_end_of_the_log_is_nothing_to_write() =>
        Assert.Equal(0, new WriteBatch(1_024).Take(RingOf("data: 1\n\n"), 1));

    [Fact]
    public void Quantiles_are_within_a_fifth_of_the_true_ones()
    {
        var histogram = new LatencyBuckets();
        for (var us = 1; us <= 100_000; us++)
            histogram.Add(LatencyBuckets.BucketOf(us));

        var quantiles = histogram.Quantiles()!;
        Assert.InRange(quantiles.P50, 50 * 0.8, 50 * 1.2);
        Assert.InRange(quantiles.P95, 95 * 0.8, 95 * 1.2);
        Assert.InRange(quantiles.P99, 99 * 0.8, 99 * 1.2);
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(0)]
    [InlineData(long.MaxValue / 4)]
    public void A_time_that_a_skewed_clock_made_up_has_a_bucket_too(long microseconds) =>
        Assert.InRange(LatencyBuckets.BucketOf(microseconds), 0, LatencyBuckets.Buckets - 1);

    [Fact]
    public void Without_deliveries_there_are_no_quantiles() => Assert.Null(new LatencyBuckets().Quantiles());

    [Fact]
    public void A_longer_time_has_a_later_bucket_within_a_fifth_of_its_middle()
    {
        var before = 0;
        for (var microseconds = 16L; microseconds < 3_600_000_000; microseconds += 1 + microseconds / 10)
        {
            var bucket = LatencyBuckets.BucketOf(microseconds);
            Assert.InRange(bucket, before, LatencyBuckets.Buckets - 1);
            if (bucket < LatencyBuckets.Buckets - 1)
                Assert.InRange(LatencyBuckets.MiddleOf(bucket), microseconds * 0.8, microseconds * 1.2);
            before = bucket;
        }
    }

    /// <summary>Frames of three bytes, from position 1.</summary>
    private static List<LogFrame> Frames(int count) =>
        [.. Enumerable.Range(1, count).Select(n => new LogFrame(n, "111"u8.ToArray(), 0, "k"))];

    private static FilterRing RingOf(params string[] frames)
    {
        var ring = new FilterRing(new StreamFilter(["a"], [], [], NamedFormat.Always), 100, 1_000_000);
        ring.Reset(Lineage.Alone("e"), 0);
        for (var i = 0; i < frames.Length; i++)
            ring.Append(new LogFrame(i + 1, Encoding.UTF8.GetBytes(frames[i]), 0, "k"));
        return ring;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
