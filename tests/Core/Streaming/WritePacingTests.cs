using Harness;
using Streaming.Connections;

namespace Core.Streaming;

/// <summary>The pauses of a writer loop, in which events wait for each other.</summary>
public sealed class WritePacingTests
{
    private const int Rounds = 64;

    private readonly ManualTime _clock = new();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 4)]
    [InlineData(10, 10)]
    [InlineData(50, 10)]
    public void A_pause_is_as_long_as_the_writes_before_it_up_to_its_maximum(int worked, int paused)
    {
        var pacing = new WritePacing(maxMilliseconds: 10, _clock);
        Begin(pacing, worked, batched: 1);
        Assert.Equal(paused, pacing.Milliseconds);
        _clock.Advance(TimeSpan.FromMilliseconds(3));
        Assert.Equal(paused - 3, pacing.Milliseconds);
    }

    [Fact]
    public void Without_pacing_there_is_no_pause()
    {
        var pacing = new WritePacing(maxMilliseconds: 0, _clock);
        Begin(pacing, worked: 50, batched: 10);
        Assert.Equal(0, pacing.Milliseconds);
    }

    [Fact]
    public void A_short_round_does_not_shorten_the_pause_after_a_long_one()
    {
        var pacing = new WritePacing(maxMilliseconds: 10, _clock);
        Begin(pacing, worked: 8, batched: 1);
        Begin(pacing, worked: 1, batched: 1);
        Assert.Equal(8, pacing.Milliseconds);
    }

    [Fact]
    public void The_pause_doubles_while_rounds_keep_batching_events_and_one_such_round_is_no_reason()
    {
        var pacing = new WritePacing(maxMilliseconds: 10, _clock);
        Assert.Equal(2, PauseAfter(rounds: 1, batched: 2));
        Assert.Equal(4, PauseAfter(Rounds, batched: 2));
        Assert.Equal(2, PauseAfter(Rounds, batched: 1));

        int PauseAfter(int rounds, int batched)
        {
            for (var i = 0; i < rounds; i++)
            {
                _clock.Advance(TimeSpan.FromMilliseconds(10));
                Begin(pacing, worked: 2, batched);
            }
            return pacing.Milliseconds;
        }
    }

    private void Begin(WritePacing pacing, int worked, int batched) =>
        pacing.Begin(worked * _clock.TimestampFrequency / 1_000, batched);
}
