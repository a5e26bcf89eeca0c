using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A slow reader is handled as its `slow` parameter requests.</summary>
[Trait("Takes", "long")]
public sealed class SlowReaderTests(SlowReaderTests.Rings fixture) : IClassFixture<SlowReaderTests.Rings>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";

    private string T(string rest) => $"{_root}.{rest}";

    /// <summary>Two replicas, of which the first keeps little in memory.</summary>
    public sealed class Rings : SharedWorld
    {
        protected override int Replicas => 0;

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            await System.StartReplicaAsync(
                new() { ["Streaming__RingEvents"] = "64", ["Streaming__RecentEvents"] = "64" }
            );
            await System.StartReplicaAsync(new() { ["Streaming__SlowSeconds"] = "2" });
            await System.WaitForModeAsync("live");
        }
    }

    [Theory]
    [InlineData(0)] // far behind: from the store
    [InlineData(1)] // from memory
    public async Task A_slow_reader_with_latest_skips_to_the_newest_of_each_key_and_gets_skipped(int replica)
    {
        await using var prompt = await SseReader.OpenAtAsync(_system.Replicas[replica].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(_system.Replicas[replica].Url, Stream + "&slow=latest");
        const int count = 4_000;
        await World.PublishLargeAsync(_system.Replicas[replica], T("1"), count, n => $"k{n % 10}");
        await prompt.WaitForEventsAsync(count);
        var (numbers, skipped) = await stalled.ReadToAsync(count);
        Assert.InRange(skipped, 1, count - 10);
        Assert.Equal(count, numbers.Count + skipped);
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(Enumerable.Range(count - 9, 10), numbers.TakeLast(10));
    }

    [Fact]
    public async Task A_slow_reader_that_asked_for_it_is_disconnected_instead_of_fed_late()
    {
        await using var prompt = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(_system.Replicas[0].Url, Stream + "&slow=disconnect");
        await World.PublishLargeAsync(_system.Replicas[0], T("1"), 4_000);
        await prompt.WaitForEventsAsync(4_000);
        var (numbers, _) = await stalled.ReadToAsync(4_000);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.InRange(numbers.Count, 1, 3_999);
    }

    /// <summary>A page of the store fills a small window, however fast its client reads.</summary>
    [Fact]
    public async Task A_reader_with_disconnect_may_first_catch_up_with_missed_events()
    {
        const int count = 1_000;
        await World.PublishLargeAsync(_system.Replicas[0], T("1"), count);
        await using var returning = await StalledReader.OpenAsync(
            _system.Replicas[0].Url,
            Stream + "&from=earliest&slow=disconnect",
            receiveBuffer: 4_096
        );
        var (numbers, _) = await returning.ReadToAsync(count);
        Assert.Equal(Enumerable.Range(1, count), numbers);
    }

    [Fact]
    public async Task A_reader_with_disconnect_that_reads_nothing_is_disconnected_even_if_memory_has_everything()
    {
        await using var prompt = await SseReader.OpenAtAsync(_system.Replicas[1].Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(_system.Replicas[1].Url, Stream + "&slow=disconnect");
        await using var patient = await StalledReader.OpenAsync(_system.Replicas[1].Url, Stream);
        await World.PublishLargeAsync(_system.Replicas[1], T("1"), 1_000);
        await Eventually.HoldsAsync(
            async () =>
                (await Requests.JsonAsync(_system.Replicas[1].Url, HttpMethod.Get, $"/v1/connections?filter={_root}"))
                    .GetProperty("connections")
                    .GetArrayLength() == 2,
            "only the slow reader is let go"
        );
        var (numbers, _) = await stalled.ReadToAsync(1_000);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.InRange(numbers.Count, 1, 999);
        Assert.Equal(1_000, (await patient.ReadToAsync(1_000)).Numbers.Count);
    }
}
