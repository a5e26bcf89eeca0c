using System.Diagnostics;
using Reliability.Abuse;

namespace Unit.Proofs;

/// <summary>An abuse is judged by every event that was due during it, whenever the event came.</summary>
public sealed class RegularEventsTests
{
    private const int Events = 100;
    private static readonly long Begun = Stopwatch.Frequency,
        Interval = Stopwatch.Frequency / 50,
        Millisecond = Stopwatch.Frequency / 1_000;

    private readonly RegularEvents _events = new(readers: 2, Begun, Interval);

    private EventWindow All => _events.Between(_events.DueAt(0), _events.DueAt(Events));

    [Fact]
    public void Prompt_events_have_their_latency()
    {
        for (var number = 0; number < Events; number++)
            Deliver(number, late: 3);
        Assert.True(All.IsOver);
        Assert.Equal(Events * 2, All.Latencies.Count);
        Assert.Equal(3, All.P99, 0.001);
    }

    [Fact]
    public void Events_that_came_after_the_window_are_as_late_as_they_came()
    {
        for (var number = 0; number < Events; number++)
            Deliver(number, late: number < 2 ? 3 : 20_000);
        Assert.Equal(20_000, All.P99, 0.001);
    }

    [Fact]
    public void An_event_that_never_came_is_lost_and_infinitely_late()
    {
        for (var number = 0; number < Events; number++)
            if (number % 20 == 0)
                Publish(number, isAcknowledged: true);
            else
                Deliver(number, late: 3);
        Assert.Equal((10, double.PositiveInfinity, false), (All.Lost, All.P99, All.IsOver));
    }

    [Fact]
    public void Events_that_were_never_sent_or_answered_count_too()
    {
        for (var number = 0; number < Events - 10; number++)
            Deliver(number, late: 3);
        _events.Send(Events - 10, _events.DueAt(Events - 10));
        Assert.Equal((10, double.PositiveInfinity), (All.Waiting, All.P99));
    }

    [Fact]
    public void A_refused_event_is_counted_and_not_lost()
    {
        Publish(0, isAcknowledged: false);
        var first = _events.Between(_events.DueAt(0), _events.DueAt(1));
        Assert.Equal((1, 0, true), (first.Refused, first.Lost, first.IsOver));
    }

    [Fact]
    public void A_late_publisher_is_no_excuse()
    {
        _events.Send(0, _events.DueAt(0) + 500 * Millisecond);
        _events.Answer(0, isAcknowledged: true, _events.DueAt(0) + 501 * Millisecond);
        _events.Receive(0, 0, _events.DueAt(0) + 501 * Millisecond);
        var first = _events.Between(_events.DueAt(0), _events.DueAt(1));
        Assert.Equal((501, 501), (first.Latencies[0], first.SlowestAnswer));
    }

    [Fact]
    public void An_event_that_came_again_is_a_duplicate()
    {
        Deliver(0, late: 3);
        _events.Receive(1, 0, _events.DueAt(0) + 9 * Millisecond);
        Assert.Equal(1, _events.Duplicates);
    }

    private void Deliver(int number, int late)
    {
        Publish(number, isAcknowledged: true);
        for (var reader = 0; reader < 2; reader++)
            _events.Receive(reader, number, _events.DueAt(number) + late * Millisecond);
    }

    private void Publish(int number, bool isAcknowledged)
    {
        _events.Send(number, _events.DueAt(number));
        _events.Answer(number, isAcknowledged, _events.DueAt(number) + Millisecond);
    }
}
