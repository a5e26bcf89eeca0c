using System.Globalization;

namespace Integration.Delivery;

/// <summary>A leading Broadcaster that fails, and the standby that takes over.</summary>
public sealed class TakeoverTests(TakeoverTests.TwoReplicas fixture) : IClassFixture<TakeoverTests.TwoReplicas>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    public sealed class TwoReplicas : SharedWorld
    {
        protected override int Replicas => 2;
        protected override int Broadcasters => 0;

        // Events that the leader does not relay are not found in the store either.
        protected override Dictionary<string, string> Settings => new() { ["Streaming__StoreCheckSeconds"] = "600" };
    }

    [Theory]
    [InlineData("killed")]
    [InlineData("frozen")]
    public async Task The_standby_takes_over_from_a_dead_leader(string fault)
    {
        while (_system.Broadcasters.Count < 2)
            await _system.StartBroadcasterAsync(asProcess: true);
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream);
        var leader = await _system.LeaderAsync();
        await World.PublishNumbersAsync(_system.Replicas[0], T("1"), 1, 10);
        if (fault == "killed")
            leader.Process.Kill();
        else
            leader.Process.Freeze();

        _system.Broadcasters.Remove(leader);
        var spare = await _system.LeaderAsync();
        await World.PublishNumbersAsync(_system.Replicas[0], T("1"), 11, 10);
        if (fault == "frozen")
            leader.Process.Thaw();
        await World.PublishNumbersAsync(_system.Replicas[0], T("1"), 21, 10);
        await reader.WaitForEventsAsync(30);
        Assert.Equal(Enumerable.Range(1, 30), Numbers(reader));

        await _system.WaitForModeAsync("live");

        if (fault == "frozen")
        {
            await Eventually.HoldsAsync(
                async () => !await World.LeadsAsync(leader),
                "the thawed leader knows that it leads no more"
            );
            _system.Broadcasters.Add(leader);
        }

        await Eventually.HoldsAsync(() => World.LeadsAsync(spare), "the standby leads");
    }

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
}
