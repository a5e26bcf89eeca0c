using LoadTests.Llm;
using LoadTests.Scenarios;

namespace Unit.Load;

public class GenerationTests
{
    private const long Ms = 1_000_000;

    [Fact]
    public void Joined_tokens_are_told_apart_again_in_their_order()
    {
        var text = string.Concat(Enumerable.Range(1, 40).Select(n => TokenText.Of(n))).AsSpan();
        for (var sequence = 1; sequence <= 40; sequence++) Assert.Equal(sequence, TokenText.Take(ref text));
        Assert.True(text.IsEmpty);
    }

    [Theory]
    [InlineData("17:no such word ")]
    [InlineData("17")]
    [InlineData("x:a ")]
    [InlineData(" ")]
    public void What_the_upstream_never_said_is_no_token(string text)
    {
        var rest = text.AsSpan();
        Assert.Equal(0, TokenText.Take(ref rest));
        Assert.True(rest.Length < text.Length);
    }

    [Fact]
    public void The_window_is_no_fault_of_the_gateway_and_all_else_is()
    {
        var figures = new GenerationFigures(1, timed: true, joinMilliseconds: 40);
        figures.Joined(received: 43 * Ms, sent: 0, firstSent: 0, window: 40);         // 3 ms after the window
        figures.Joined(received: 43 * Ms, sent: 20 * Ms, firstSent: 0, window: 40);   // joined to it: the same 3 ms
        figures.Joined(received: 70 * Ms, sent: 60 * Ms, firstSent: 0, window: 40);   // held up after the window: 10 ms
        figures.Joined(received: 7 * Ms, sent: 0, firstSent: 0, window: 0);           // the first waits for nothing: 7 ms
        var beyond = figures.BeyondWindow.Snapshot();
        Assert.Equal((4, 0), (beyond.Count, figures.Early));
        Assert.Equal([3.0, 3, 7, 10], new[] { 25.0, 50, 75, 100 }.Select(p => Math.Round(beyond.Percentile(p))));
    }

    [Fact]
    public void A_token_that_comes_before_its_window_is_over_shows_that_the_window_was_assumed_too_long()
    {
        var figures = new GenerationFigures(1, timed: true, joinMilliseconds: 40);
        figures.Joined(received: 36 * Ms, sent: 0, firstSent: 0, window: 40);         // a timer is not that exact
        Assert.Equal(0, figures.Early);
        figures.Joined(received: 30 * Ms, sent: 0, firstSent: 0, window: 40);
        Assert.Equal(1, figures.Early);
    }

    [Theory]
    [InlineData(40, 40)]
    [InlineData(100, 100)]
    [InlineData(1_000, 400)]
    public void The_window_widens_with_the_generations_of_a_replica(int running, double window)
    {
        var figures = new GenerationFigures(2, timed: true, joinMilliseconds: 40);
        for (var i = 0; i < running; i++) figures.BegunOn(1);
        Assert.Equal((40, window), (figures.Window(0), figures.Window(1)));
    }

    [Fact]
    public void Generations_fill_the_time_and_none_begins_when_it_is_over()
    {
        var plan = new GenerationPlan(new ScenarioScale(Clients: 10, Rate: 50, Seconds: 5));
        Assert.InRange(plan.NextTokens(generation: 0, client: 0)!.Value, 200, 250);
        Assert.Null(new GenerationPlan(new ScenarioScale(10, 50, 0.5)).NextTokens(generation: 1, client: 0));
        Assert.InRange(new GenerationPlan(new ScenarioScale(10, 50, 3_600)).NextTokens(0, 0)!.Value, 300, 600);
    }
}
