using Harness;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public sealed class WriteRoundsTests : IDisposable
{
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(1);

    private readonly ManualTime _clock = new();
    private readonly LoopInbox<int> _inbox = new(loop: 0);
    private readonly Dictionary<FilterRing, TimeSpan> _work = [];
    private readonly List<FilterRing> _written = [];
    private readonly WriteRounds _rounds;

    public WriteRoundsTests() =>
        _rounds = new WriteRounds(0, () => new WritePacing(maxMilliseconds: 10, _clock), _clock, Write);

    [Fact]
    public void An_event_for_few_is_written_before_the_rest_of_an_event_for_thousands()
    {
        var (few, many) = (NewRing(), NewRing());
        _work[many] = 5 * Slice;
        Grow(many);
        Turn();
        Assert.Empty(_written);
        Grow(few);
        Turn();
        Assert.Equal([few], _written);
        WriteAll();
        Assert.Equal([few, many], _written);
    }

    [Fact]
    public void An_event_for_few_does_not_wait_for_the_pause_after_an_event_for_thousands()
    {
        var (few, many) = (NewRing(), NewRing());
        _work[many] = 8 * Slice;
        Grow(many);
        WriteAll();
        Grow(many);
        Grow(few);
        Turn();
        Assert.Equal([many, few], _written);
        Assert.Equal(8, _rounds.SleepMilliseconds);
    }

    [Fact]
    public void An_event_for_few_waits_for_no_round_of_events_for_thousands_even_right_after_another_one()
    {
        var few = NewRing();
        var many = Enumerable.Range(0, 8).Select(_ => NewRing(audience: 1_000)).ToList();
        Assert.All(many, ring => _work[ring] = Slice);
        _inbox.Grown([few, .. many]);
        Turn();
        Assert.Equal([few], _written[..1]);
        Grow(few);
        Turn();
        Turn();
        Assert.Equal(2, _written.Count(ring => ring == few));
        Assert.InRange(_written.Count, 2, 5);
    }

    [Fact]
    public void The_log_that_has_waited_longest_begins_the_next_round()
    {
        var first = NewRing();
        var others = Enumerable.Range(0, 5).Select(_ => NewRing()).ToList();
        _inbox.Grown([first, .. others]);
        WriteAll();
        _written.Clear();
        Grow(first);
        _inbox.Grown(others);
        WriteAll();
        Assert.Same(first, _written[0]);
    }

    [Fact]
    public void An_event_waits_only_for_the_remaining_pause_of_its_log()
    {
        var ring = NewRing();
        _work[ring] = 8 * Slice;
        Grow(ring);
        WriteAll();
        _clock.Advance(TimeSpan.FromMilliseconds(2));
        Grow(ring);
        Turn();
        Assert.Equal([ring], _written);
        Assert.Equal(6, _rounds.SleepMilliseconds);
        _clock.Advance(TimeSpan.FromMilliseconds(6));
        WriteAll();
        Assert.Equal([ring, ring], _written);
    }

    [Fact]
    public void An_event_for_thousands_is_written_despite_many_events_for_few()
    {
        var many = NewRing();
        var few = Enumerable.Range(0, 20).Select(_ => NewRing()).ToList();
        _work[many] = 3 * Slice;
        Grow(many);

        for (var i = 0; !_written.Contains(many); i++)
        {
            Assert.InRange(i, 0, few.Count + 5);
            _work[few[i % few.Count]] = Slice;
            Grow(few[i % few.Count]);
            Turn();
        }
    }

    [Fact]
    public void No_order_of_events_and_time_leaves_an_event_waiting()
    {
        var random = new Random(11);
        var rings = Enumerable.Range(0, 5).Select(_ => NewRing()).ToList();

        for (var round = 0; round < 5_000; round++)
        {
            var grown = rings.Where(_ => random.Next(2) == 0).ToList();
            foreach (var ring in grown)
            {
                _work[ring] = TimeSpan.FromMicroseconds(random.Next(4_000));
                Grow(ring);
                if (random.Next(2) == 0)
                    Turn();
                _clock.Advance(TimeSpan.FromMicroseconds(random.Next(3_000)));
            }

            WriteAll();
            Assert.All(grown, ring => Assert.Equal(0, ring.Loops[0].IsListed));
            Assert.Equal(1_000, _rounds.SleepMilliseconds);
        }
    }

    public void Dispose() => _inbox.Dispose();

    private static FilterRing NewRing(int audience = 1) =>
        new(new StreamFilter(["t"], [], [], NamedFormat.Always), maxFrames: 16, maxBytes: 1_000)
        {
            Loops = [new LoopUse { Users = 1 }],
            Audience = audience,
        };

    private void Grow(FilterRing ring) => _inbox.Grown([ring]);

    /// <summary>One turn of a loop that has woken.</summary>
    private void Turn()
    {
        var grown = new List<FilterRing>();
        Assert.True(_inbox.Take([], grown));
        _rounds.Add(grown);
        _rounds.WriteSlice();
    }

    private void WriteAll()
    {
        for (Turn(); _rounds.SleepMilliseconds < 1_000; Turn())
        {
            Assert.InRange(_rounds.SleepMilliseconds, 0, 10);
            _clock.Advance(TimeSpan.FromMilliseconds(_rounds.SleepMilliseconds + 0.5));
        }
    }

    /// <summary>Takes the time that the ring needs, in slices.</summary>
    private bool Write(FilterRing ring, long until, out int batched)
    {
        batched = 1;
        ring.Loops[0].IsListed = 0;
        var left = TimeSpan.FromTicks(until - _clock.GetTimestamp());
        var needed = _work.GetValueOrDefault(ring);

        _clock.Advance(needed < left ? needed : left);

        if (needed > left)
        {
            _work[ring] = needed - left;
            return false;
        }

        _work.Remove(ring);
        _written.Add(ring);
        return true;
    }
}
