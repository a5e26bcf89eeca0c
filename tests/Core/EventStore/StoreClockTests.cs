using EventStore;
using Harness;

namespace Core.EventStore;

public sealed class StoreClockTests
{
    private static readonly DateTimeOffset Asked = new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero);

    private readonly StoreClock _clock = new(new ManualTime());

    [Fact]
    public void It_is_this_processs_clock_until_Postgres_has_answered() => Assert.Equal(TimeSpan.Zero, _clock.Ahead);

    [Theory]
    [InlineData(3_000, 10, 3_000)]
    [InlineData(-90_000, 10, -90_000)]
    // Within the round trip the difference may be none.
    [InlineData(9, 10, 0)]
    public void It_is_ahead_by_what_the_answer_says_after_half_of_the_round_trip(int offset, int took, int ahead)
    {
        Answer(offset, took);
        Assert.Equal(Milliseconds(ahead), _clock.Ahead);
    }

    [Fact]
    public void Of_the_last_eight_answers_the_quickest_counts()
    {
        Answer(3_000, took: 10);

        for (var n = 0; n < 7; n++)
            Answer(4_000, took: 900);

        Assert.Equal(Milliseconds(3_000), _clock.Ahead);

        Answer(4_000, took: 900);
        Assert.Equal(Milliseconds(4_000), _clock.Ahead);
    }

    private void Answer(int offset, int took) =>
        _clock.Note(Asked, Milliseconds(took), Asked + Milliseconds(offset) + Milliseconds(took) / 2);

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);
}
