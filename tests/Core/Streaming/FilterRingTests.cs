using EventStore;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class FilterRingTests
{
    private readonly FilterRing _ring = new(
        new StreamFilter(["a"], [], [], NamedFormat.Always),
        maxFrames: 8,
        maxBytes: 1_000
    );

    [Fact]
    public void A_reader_continues_after_its_position_even_if_positions_have_gaps()
    {
        _ring.Reset(Lineage.Alone("e"), 0);
        Append(2, 5, 9);
        Assert.Equal([5, 9], PositionsAfter(2));
        Assert.Equal([5, 9], PositionsAfter(4));
        Assert.Empty(PositionsAfter(9));
    }

    [Fact]
    public void A_reader_behind_the_ring_is_reported_as_behind()
    {
        _ring.Reset(Lineage.Alone("e"), 0);
        Append([.. Enumerable.Range(1, 20).Select(n => (long)n)]);
        Assert.False(_ring.TrySeek(11, settled: 100, out _));
        Assert.Equal([13, 14, 15, 16, 17, 18, 19, 20], PositionsAfter(12));
    }

    [Fact]
    public void A_cursor_that_the_ring_has_passed_reads_nothing_rather_than_other_frames()
    {
        _ring.Reset(Lineage.Alone("e"), 0);
        Append(1);
        Assert.True(_ring.TrySeek(0, settled: 100, out var cursor));
        Append([.. Enumerable.Range(2, 20).Select(n => (long)n)]);
        Assert.Null(_ring.Read(cursor, new LogFrame[4], 1_000));
    }

    [Fact]
    public void The_ring_holds_no_more_bytes_than_it_may()
    {
        _ring.Reset(Lineage.Alone("e"), 0);
        for (var n = 1; n <= 5; n++)
            _ring.Append(new LogFrame(n, new byte[400], 0, "k"));
        Assert.False(_ring.TrySeek(2, settled: 100, out _));
        Assert.Equal([4, 5], PositionsAfter(3));
    }

    [Fact]
    public void Nothing_of_another_history_is_left_after_a_reset()
    {
        _ring.Reset(Lineage.Alone("old"), 0);
        Append(1, 2, 3);
        Assert.True(_ring.TrySeek(1, settled: 100, out var cursor));
        _ring.Reset(Lineage.Alone("new"), 50);
        Append(51);
        Assert.Null(_ring.Read(cursor, new LogFrame[4], 1_000));
        Assert.False(_ring.TrySeek(49, settled: 100, out _));
        Assert.Equal([51], PositionsAfter(50));
    }

    [Fact]
    public void A_reader_ahead_of_the_settled_position_waits_for_the_feed()
    {
        _ring.Reset(Lineage.Alone("e"), 0);
        Append(1, 2);
        // Its position is 4, and 3 and 4 come after the seek. At the ring's end it would get them again.
        Assert.True(_ring.TrySeek(4, settled: 2, out var sequence));
        Assert.Equal(-1, sequence);
        Append(3, 4, 5);
        // The feed is in the middle of a batch.
        Assert.True(_ring.TrySeek(4, settled: 2, out sequence));
        Assert.Equal(-1, sequence);
        Assert.True(_ring.TrySeek(4, settled: 5, out sequence));
        Assert.Equal([5], _ring.ReadAll(sequence).Select(f => f.Position));
    }

    [Fact]
    public void Frames_stay_until_the_second_trim_and_the_last_eight_per_user_longer()
    {
        var ring = new FilterRing(new StreamFilter(["a"], [], [], NamedFormat.Always), 1_000, 100_000) { Users = 2 };
        ring.Reset(Lineage.Alone("e"), 0);

        for (var n = 1; n <= 100; n++)
            ring.Append(new LogFrame(n, new byte[10], 0, "k"));

        ring.Trim(-1);
        Assert.True(ring.TrySeek(0, settled: 100, out _));

        ring.Append(new LogFrame(101, new byte[10], 0, "k"));
        ring.Trim(-1);
        Assert.False(ring.TrySeek(84, settled: 101, out _));
        Assert.True(ring.TrySeek(85, settled: 101, out _));
        Assert.Equal(16, ring.Capacity);

        ring.Trim(95);
        Assert.False(ring.TrySeek(94, settled: 101, out _));
        Assert.True(ring.TrySeek(95, settled: 101, out _));
    }

    private void Append(params long[] positions)
    {
        foreach (var position in positions)
            _ring.Append(new LogFrame(position, new byte[10], 0, "k"));
    }

    private long[] PositionsAfter(long position)
    {
        Assert.True(_ring.TrySeek(position, settled: 100, out var sequence));
        var frames = new LogFrame[64];
        return [.. frames.Take(_ring.Read(sequence, frames, 1_000_000)!.Value).Select(f => f.Position)];
    }
}
