using System.Globalization;
using System.Net;

namespace Integration.Delivery;

/// <summary>Postgres, Redis or both out of reach for every service.</summary>
[Trait("Takes", "long")]
public sealed class StoreFaultTests(StoreFaultTests.TwoReplicas fixture) : IClassFixture<StoreFaultTests.TwoReplicas>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    public sealed class TwoReplicas : SharedWorld
    {
        protected override int Replicas => 2;
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["EventStore__CommandTimeoutSeconds"] = "2",
                // In mode live, what Redis does not bring does not come from the store either.
                ["Streaming__StoreCheckSeconds"] = "600",
            };
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("frozen")]
    [InlineData("swallowed")] // for ever, but only on the connections of that time
    public async Task Without_Redis_events_come_from_Postgres_until_Redis_is_back(string fault)
    {
        await WholeAsync();
        await using var a = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var b = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream);
        await World.RepeatNumbersAsync(_system.Replicas[0], T("1"), 1, 10);
        if (fault == "cut")
            _system.Redis.Cut();
        else if (fault == "frozen")
            _system.Redis.Freeze();
        else
            _system.Redis.Swallow();
        await World.RepeatNumbersAsync(_system.Replicas[0], T("1"), 11, 10);
        await _system.WaitForModeAsync("degraded");
        await World.RepeatNumbersAsync(_system.Replicas[1], T("1"), 21, 10);
        await a.WaitForEventsAsync(30);
        await b.WaitForEventsAsync(30);
        _system.Redis.Heal();
        await _system.WaitForModeAsync("live");
        await World.RepeatNumbersAsync(_system.Replicas[0], T("1"), 31, 10);
        foreach (var reader in (SseReader[])[a, b])
        {
            await reader.WaitForEventsAsync(40);
            Assert.Equal(Enumerable.Range(1, 40), Numbers(reader));
        }
    }

    [Fact]
    public async Task Without_Postgres_a_publish_is_refused_with_503_and_streams_stay_open()
    {
        await WholeAsync();
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await World.RepeatNumbersAsync(_system.Replicas[0], T("1"), 1, 5);
        _system.Postgres.Cut();
        using (var refused = await World.PostAsync(_system.Replicas[0], new EventBody(T("1"), "n", 0)))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal("application/problem+json", refused.Content.Headers.ContentType?.MediaType);
        }
        _system.Postgres.Heal();
        await World.RepeatNumbersAsync(_system.Replicas[0], T("1"), 6, 1);
        await reader.WaitForEventsAsync(6);
        Assert.Equal([1, 2, 3, 4, 5, 6], Numbers(reader));
    }

    [Fact]
    public async Task A_replica_that_is_cut_off_believes_an_id_from_one_that_is_ahead()
    {
        await WholeAsync();
        await using var ahead = await _system.StartReplicaAsync(_system.DirectSettings);
        await using var before = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        _system.Postgres.Freeze();
        _system.Redis.Freeze();
        var positions = await World.RepeatNumbersAsync(ahead, T("1"), 1, 5);
        await using var moved = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream, positions[2]);
        Assert.Equal(positions[2], moved.Frames.First(f => f.Id is not null).Id);
        _system.Postgres.Heal();
        _system.Redis.Heal();
        await moved.WaitForEventsAsync(2);
        await before.WaitForEventsAsync(5);
        Assert.Equal([4, 5], Numbers(moved));
        Assert.DoesNotContain(moved.Frames, f => f.Event == "resync");
    }

    [Fact]
    public async Task A_replica_that_started_while_Redis_was_silent_hears_it_once_it_is_back()
    {
        await WholeAsync();
        _system.Redis.Freeze();
        await using var late = await _system.StartReplicaAsync();
        await _system.WaitForModeAsync("degraded");
        _system.Redis.Heal();
        await _system.WaitForModeAsync("live");
    }

    /// <summary>Repairs the damage of the test before.</summary>
    private async Task WholeAsync()
    {
        _system.Postgres.Heal();
        _system.Redis.Heal();
        await _system.WaitForModeAsync("live");
    }

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));
}
