using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>A reader that does not read costs the others nothing.</summary>
[Trait("Takes", "long")]
public sealed class StalledReaderTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";
    private const int Count = 4_000,
        Rounds = 40,
        Readers = 8; // 4,000 events are 16 MB: more than both socket buffers hold

    [Fact]
    public async Task A_stalled_reader_delays_no_other_and_later_gets_everything_it_missed()
    {
        await using var system = await World.Start(o =>
            o.Set("Streaming:RingEvents", 64).Set("Streaming:RecentEvents", 64)
        );
        var replica = system.Replicas[0];
        await using var prompt = await SseReader.OpenAtAsync(replica.Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(replica.Url, Stream);
        await World.PublishLargeAsync(replica, "t.1", Count);
        await prompt.WaitForEventsAsync(Count);

        // Its window, the bytes under way, and Streaming:UnsentKilobytes.
        if (OperatingSystem.IsLinux())
            Assert.InRange((await ConnectionsAsync(replica)).Min(c => c.GetProperty("bytes").GetInt64()), 1, 1_000_000);

        // One event at a time reaches the readers beside the stalled one: enough of them for each of the server's
        // writers. None waits for the stalled one's end, since that is still open, and behind.
        var beside = new List<SseReader>();
        for (var i = 0; i < Readers; i++)
            beside.Add(await SseReader.OpenAtAsync(replica.Url, Stream));
        for (var round = 1; round <= Rounds; round++)
        {
            await World.PublishAsync(replica, new EventBody("t.1", "n", new { n = Count + round }));
            await Task.WhenAll(beside.Select(reader => reader.WaitForEventsAsync(round)));
        }
        Assert.Contains(await ConnectionsAsync(replica), c => c.GetProperty("lag").GetInt64() >= Rounds);
        foreach (var reader in beside)
            await reader.DisposeAsync();

        var (numbers, _) = await stalled.ReadToAsync(Count + Rounds);
        Assert.Equal(Enumerable.Range(1, Count + Rounds), numbers);
    }

    private static async Task<IReadOnlyList<JsonElement>> ConnectionsAsync(RunningService replica) =>
        [
            .. (await Requests.JsonAsync(replica.Url, HttpMethod.Get, "/v1/connections"))
                .GetProperty("connections")
                .EnumerateArray(),
        ];
}
