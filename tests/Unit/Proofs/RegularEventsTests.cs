using System.Diagnostics;
using Reliability.Abuse;

namespace Unit.Proofs;

/// <summary>An abuse is judged by every event that was due during it, whenever the event came.</summary>
public sealed class RegularEventsTests
{
    private const int Events = 100;
    private static readonly long Begun = Stopwatch.Frequency;
    private static readonly long Interval = Stopwatch.Frequency / 50;
    private static readonly long Millisecond = Stopwatch.Frequency / 1_000;

    private readonly RegularEvents _events = new(readers: 2, Begun, Interval);

    /// <param name="what">What becomes of ten of the events; the others take 3 ms to both readers.</param>
    /// <param name="p99">Their 99th percentile.</param>
    /// <param name="refused">Events that were refused.</param>
    /// <param name="lost">Events that a reader lacks.</param>
    /// <param name="waiting">Events without an answer.</param>
    [Theory]
    [InlineData("prompt", 3, 0, 0, 0)]
    [InlineData("after the window", 20_000, 0, 0, 0)]
    [InlineData("sent late", 501, 0, 0, 0)] // a late publisher is no excuse
    [InlineData("never received", double.PositiveInfinity, 0, 20, 0)]
    [InlineData("refused", double.PositiveInfinity, 10, 0, 0)]
    [InlineData("never answered", double.PositiveInfinity, 0, 0, 10)]
    [InlineData("never sent", double.PositiveInfinity, 0, 0, 10)]
    public void Every_event_that_was_due_counts(string what, double p99, int refused, int lost, int waiting)
    {
        for (var number = 0; number < Events; number++)
            Happen(number, number < Events - 10 ? "prompt" : what);

        var all = _events.Between(_events.DueAt(0), _events.DueAt(Events));
        Assert.Equal(Events * 2, all.Latencies.Count);
        Assert.Equal(p99, all.P99, 0.001);
        Assert.Equal((refused, lost, waiting), (all.Refused, all.Lost, all.Waiting));
        Assert.Equal(lost + waiting == 0, all.IsOver);
        Assert.Equal(what == "sent late" ? 501 : 1, all.SlowestAnswer, 0.001);
    }

    [Fact]
    public void An_event_that_came_again_is_a_duplicate()
    {
        Happen(0, "prompt");
        _events.Receive(1, 0, _events.DueAt(0) + 9 * Millisecond);
        Assert.Equal(1, _events.Duplicates);
    }

    private void Happen(int number, string what)
    {
        var due = _events.DueAt(number);
        var sent = due + (what == "sent late" ? 500 * Millisecond : 0);

        if (what == "never sent")
            return;

        _events.Send(number, sent);
        if (what == "never answered")
            return;

        _events.Answer(number, isAcknowledged: what != "refused", sent + Millisecond);
        var received = what switch
        {
            "after the window" => due + 20_000 * Millisecond,
            "sent late" => sent + Millisecond,
            _ => due + 3 * Millisecond,
        };

        if (what is "refused" or "never received")
            return;

        for (var reader = 0; reader < 2; reader++)
            _events.Receive(reader, number, received);
    }
}
