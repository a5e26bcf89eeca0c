using System.Text.Json;
using WebFrontend.Status;

namespace Unit.WebFrontend;

public class KnownReplicasTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly KnownReplicas _known = new();

    [Fact]
    public void A_silent_replica_counts_as_lost_keeps_its_stats_and_is_forgotten_later()
    {
        _known.Update([Answers("a", 1, 2), Answers("b", 1, 2)], At(2));
        _known.Update([Silent("a"), Answers("b", 3)], At(3));
        Assert.Equal([false, false], _known.All.Select(r => r.Lost)); // it may only be busy
        _known.Update([Silent("a"), Answers("b", 4)], At(8));
        Assert.Equal([true, false], _known.All.Select(r => r.Lost));
        Assert.Equal((At(2), 2), (_known.All[0].SeenAt, _known.All[0].Stats.Count));
        Assert.Equal(4, _known.LastSecond("b"));
        _known.Age(At(601));
        Assert.Equal([true, true], _known.All.Select(r => r.Lost)); // nobody answers any more
        _known.Age(At(603));
        Assert.Equal(["b"], _known.All.Select(r => r.Name));
    }

    [Fact]
    public void A_stopped_replica_disappears_at_once_and_one_lost_before_the_start_is_listed()
    {
        _known.Update([Answers("a", 1), Answers("b", 1)], At(1));
        _known.Update([Answers("b", 2), Silent("c") with { SeenAt = At(-30) }], At(2));
        Assert.Equal([("b", false), ("c", true)], _known.All.Select(r => (r.Name, r.Lost)));
        Assert.Equal(At(-30), _known.All[1].SeenAt);
    }

    [Fact]
    public void No_more_stats_are_kept_than_ten_minutes_have_seconds()
    {
        for (var second = 1; second <= 700; second += 7)
            _known.Update([Answers("a", [.. Enumerable.Range(second, 7)])], At(second));
        Assert.Equal((600, 700), (_known.All[0].Stats.Count, _known.LastSecond("a")));
    }

    private static DateTimeOffset At(int second) => Start.AddSeconds(second);

    private static ReplicaStatus Silent(string name) => new(name, $"http://{name}", 0, "", 0, "live", null, null);

    private static ReplicaStatus Answers(string name, params int[] seconds) =>
        Silent(name) with
        {
            Health = new Health("Healthy", new Dictionary<string, HealthCheck>()),
            Stats = [.. seconds.Select(s => JsonSerializer.SerializeToElement(new { at = s }))],
        };
}
