using StreamApi.Security.Limits;
using Unit.Client;

namespace Unit.Security;

public sealed class BodyTurnsTests
{
    private const int Large = BodyTurns.SmallBytes + 1;

    private readonly ManualTime _time = new();

    [Fact]
    public async Task Large_bodies_are_parsed_on_half_of_the_processors_and_small_ones_at_once()
    {
        var turns = new BodyTurns(4, _time);
        var first = await turns.EnterAsync("ann", Large, default);
        Assert.NotNull(await turns.EnterAsync("ann", Large, default));
        var third = turns.EnterAsync("ann", Large, default).AsTask();
        var ofBob = turns.EnterAsync("bob", Large, default).AsTask();
        Assert.False(third.IsCompleted || ofBob.IsCompleted);
        Assert.Null(await turns.EnterAsync("bob", BodyTurns.SmallBytes, default));
        first!.Dispose();
        Assert.NotNull(await Task.WhenAny(third, ofBob).Unwrap());
        Assert.False(third.IsCompleted && ofBob.IsCompleted);
    }

    [Fact]
    public async Task Parsing_takes_a_quarter_of_the_processors_on_average()
    {
        var turns = new BodyTurns(2, _time);
        using (await turns.EnterAsync("ann", Large, default))
            _time.Advance(TimeSpan.FromSeconds(1));
        var next = turns.EnterAsync("bob", Large, default);
        Assert.InRange(await _time.PassDelayAsync(), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(1));
        Assert.NotNull(await next);
    }
}
