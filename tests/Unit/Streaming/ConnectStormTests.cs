using StreamApi.Streaming.Connections;

namespace Unit.Streaming;

public sealed class ConnectStormTests
{
    [Fact]
    public void A_storm_has_settled_once_when_no_stream_was_opened_for_a_while()
    {
        var storm = new ConnectStorm(100);
        Assert.Equal([false, false, false, false, true, false, false], Ask(storm, 0, 60, 150, 150, 150, 150, 150));
        Assert.Equal([false, false, false, false, true], Ask(storm, 249, 249, 249, 249 + 1, 250, 250)[1..]);
    }

    [Fact]
    public void Streams_that_come_and_go_one_by_one_are_no_storm()
    {
        var storm = new ConnectStorm(100);
        Assert.DoesNotContain(true, Ask(storm, [.. Enumerable.Range(0, 99).SelectMany(n => (long[])[n, n, n])]));
    }

    [Fact]
    public void There_is_no_storm_where_that_is_switched_off() => Assert.DoesNotContain(true, Ask(new ConnectStorm(0), 0, 10_000, 10_000, 10_000, 10_000));

    private static bool[] Ask(ConnectStorm storm, params long[] opened) => [.. opened.Select(storm.HasSettled)];
}
