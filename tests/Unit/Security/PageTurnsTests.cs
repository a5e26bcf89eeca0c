using StreamApi.Security.Limits;
using Unit.Client;

namespace Unit.Security;

public sealed class PageTurnsTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Pages_of_connections_are_made_one_at_a_time_in_rotation_over_the_clients()
    {
        var turns = new PageTurns(16, _time);
        var first = await turns.EnterAsync("ann", default);
        var second = turns.EnterAsync("ann", default);
        var third = turns.EnterAsync("ann", default);
        var ofBob = turns.EnterAsync("bob", default);
        Assert.False(second.IsCompleted || third.IsCompleted || ofBob.IsCompleted);
        first.Dispose();
        (await second).Dispose();
        await ofBob;
        Assert.False(third.IsCompleted);
    }

    [Fact]
    public async Task They_take_a_twentieth_of_the_processors_on_average()
    {
        var turns = new PageTurns(2, _time);
        using (await turns.EnterAsync("ann", default))
            _time.Advance(TimeSpan.FromMilliseconds(100));
        var next = turns.EnterAsync("bob", default);
        Assert.InRange(await _time.PassDelayAsync(), TimeSpan.FromMilliseconds(600), TimeSpan.FromMilliseconds(1_000));
        await next;
    }
}
