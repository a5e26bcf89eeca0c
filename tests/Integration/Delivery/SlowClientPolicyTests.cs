using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A reader that does not read costs the others nothing, and is handled as its `slow` parameter
/// requests.</summary>
[Trait("Takes", "long")]
public sealed class SlowClientPolicyTests(SlowClientPolicyTests.Rings fixture)
    : IClassFixture<SlowClientPolicyTests.Rings>
{
    /// <summary>Events of 4 kB: more than the sockets of a reader hold.</summary>
    private const int Count = 800;

    private const int ReceiveBuffer = 16 * 1024;

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
                new() { ["AspireSse__Streaming__RingEvents"] = "64", ["AspireSse__Streaming__RecentEvents"] = "64" }
            );
            await System.StartReplicaAsync(new() { ["AspireSse__Streaming__SlowSeconds"] = "2" });
            await System.WaitForModeAsync("live");
        }
    }

    [Fact]
    public async Task A_stalled_reader_delays_no_other_and_later_gets_everything_it_missed()
    {
        const int Rounds = 10,
            Readers = 8;
        var replica = _system.Replicas[0];
        await using var prompt = await SseReader.OpenAtAsync(replica.Url, Stream);
        await using var stalled = await StallAsync(replica, "");

        await World.PublishLargeAsync(replica, T("1"), Count);
        await prompt.WaitForEventsAsync(Count);

        // Its window, the bytes under way, and AspireSse:Streaming:UnsentKilobytes.
        if (OperatingSystem.IsLinux())
            Assert.InRange((await ConnectionsAsync(replica)).Min(c => c.GetProperty("bytes").GetInt64()), 1, 1_000_000);

        // One event at a time reaches the readers beside the stalled one: enough of them for each of the server's
        // writers. None waits for the stalled one's end, since that is still open, and behind.
        var beside = new List<SseReader>();
        for (var i = 0; i < Readers; i++)
            beside.Add(await SseReader.OpenAtAsync(replica.Url, Stream));

        for (var round = 1; round <= Rounds; round++)
        {
            await World.PublishAsync(replica, new EventBody(T("1"), "n", new { n = Count + round }));
            await Task.WhenAll(beside.Select(reader => reader.WaitForEventsAsync(round)));
        }

        Assert.Contains(await ConnectionsAsync(replica), c => c.GetProperty("lag").GetInt64() >= Rounds);

        foreach (var reader in beside)
            await reader.DisposeAsync();

        var (numbers, _) = await stalled.ReadToAsync(Count + Rounds);
        Assert.Equal(Enumerable.Range(1, Count + Rounds), numbers);
    }

    [Theory]
    [InlineData(0)] // far behind: from the store
    [InlineData(1)] // from memory
    public async Task A_slow_reader_with_latest_skips_to_the_newest_of_each_key_and_gets_skipped(int replica)
    {
        await using var prompt = await SseReader.OpenAtAsync(_system.Replicas[replica].Url, Stream);
        await using var stalled = await StallAsync(_system.Replicas[replica], "&slow=latest");
        await World.PublishLargeAsync(_system.Replicas[replica], T("1"), Count, n => $"k{n % 10}");
        await prompt.WaitForEventsAsync(Count);
        var (numbers, skipped) = await stalled.ReadToAsync(Count);
        Assert.InRange(skipped, 1, Count - 10);
        Assert.Equal(Count, numbers.Count + skipped);
        Assert.Equal(numbers.Order(), numbers);
        Assert.Equal(Enumerable.Range(Count - 9, 10), numbers.TakeLast(10));
    }

    [Theory]
    [InlineData(0)] // its events have left memory
    [InlineData(1)] // memory has everything
    public async Task A_slow_reader_with_disconnect_is_disconnected_and_a_patient_one_is_not(int replica)
    {
        await using var prompt = await SseReader.OpenAtAsync(_system.Replicas[replica].Url, Stream);
        await using var stalled = await StallAsync(_system.Replicas[replica], "&slow=disconnect");
        await using var patient = await StallAsync(_system.Replicas[replica], "");

        await World.PublishLargeAsync(_system.Replicas[replica], T("1"), Count);
        await Eventually.HoldsAsync(
            async () => (await ConnectionsAsync(_system.Replicas[replica])).Count == 2,
            "only the slow reader is let go"
        );
        var (numbers, _) = await stalled.ReadToAsync(Count);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
        Assert.InRange(numbers.Count, 1, Count - 1);
        Assert.Equal(Enumerable.Range(1, Count), (await patient.ReadToAsync(Count)).Numbers);
    }

    /// <summary>A page of the store fills a small window, however fast its client reads.</summary>
    [Fact]
    public async Task A_reader_with_disconnect_may_first_catch_up_with_missed_events()
    {
        await World.PublishLargeAsync(_system.Replicas[0], T("1"), Count);
        await using var returning = await StalledReader.OpenAsync(
            _system.Replicas[0].Url,
            Stream + "&from=earliest&slow=disconnect",
            receiveBuffer: 4_096
        );
        var (numbers, _) = await returning.ReadToAsync(Count);
        Assert.Equal(Enumerable.Range(1, Count), numbers);
    }

    private Task<StalledReader> StallAsync(RunningService replica, string slow) =>
        StalledReader.OpenAsync(replica.Url, Stream + slow, receiveBuffer: ReceiveBuffer);

    /// <summary>The open streams of this test.</summary>
    private async Task<IReadOnlyList<JsonElement>> ConnectionsAsync(RunningService replica) =>
        [
            .. (await SeedRequests.GetAsync(replica.Url, $"/v1/connections?filter={_root}"))
                .GetProperty("connections")
                .EnumerateArray(),
        ];
}
