using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>Hundreds of readers that lag, each at another position, and do not read.</summary>
[Trait("Takes", "long")]
public sealed class ManyStalledReadersTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";
    private const int Stalled = 500,
        Events = Stalled + 300,
        ReadOn = 100;

    /// <summary>The least that a reader lacks, 300 events, is more than its sockets and a write hold.</summary>
    private static readonly string Pad = new('x', 4_000);

    [Fact]
    public async Task Hundreds_of_stalled_readers_use_bounded_memory_and_lose_no_event()
    {
        // Pages of these readers would be 125 MB. The runtime ends a replica that holds more than it may.
        await using var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("DOTNET_GCHeapHardLimit", "0x6000000") // 96 MiB
                .Set("AspireSse:Streaming:RecentEvents", 0)
                .Set("AspireSse:Streaming:ReplayBytes", 8388608)
                .Set("AspireSse:Streaming:PendingWriteBytes", 4194304)
                .Set("AspireSse:Streaming:UnsentKilobytes", 16)
                .AsProcesses()
        );
        var replica = system.Replicas[0];
        var positions = new List<string>();
        foreach (var chunk in Enumerable.Range(1, Events).Chunk(100))
            positions.AddRange(await World.PublishAsync(replica, [.. chunk.Select(Event)]));

        var readers = new List<StalledReader>();
        try
        {
            for (var i = 0; i < Stalled; i++)
                readers.Add(await OpenAsync(replica, positions[i]));

            // Each stalls, or was ended for the others' sake.
            var open = 0;
            await Eventually.HoldsAsync(
                async () =>
                {
                    var states = await StatesAsync(replica);
                    open = states.Count;
                    return states.TrueForAll(s => s == "slow");
                },
                "every reader stalls"
            );
            Assert.InRange(open, 1, Stalled - 1);

            await using (var other = await SseReader.OpenAtAsync(replica.Url, Stream, positions[0]))
            {
                await World.PublishAsync(replica, Event(Events + 1));
                await other.WaitForEventsAsync(Events);
                Assert.Equal(Events, other.Events.Select(e => e.Id).Distinct().Count());
            }

            var ended = 0;
            for (var i = 0; i < Stalled; i += Stalled / ReadOn)
            {
                var (numbers, _) = await readers[i].ReadToAsync(Events + 1);
                if (numbers.LastOrDefault() != Events + 1)
                {
                    ended++;
                    await using var resumed = await OpenAsync(replica, readers[i].LastId ?? positions[i]);
                    numbers.AddRange((await resumed.ReadToAsync(Events + 1)).Numbers);
                }

                Assert.Equal(Enumerable.Range(i + 2, Events - i), numbers);
            }

            Assert.InRange(ended, 1, ReadOn - 1);
            Assert.DoesNotContain("OutOfMemory", replica.Output, StringComparison.Ordinal);
        }
        finally
        {
            foreach (var reader in readers)
                await reader.DisposeAsync();
        }
    }

    private static Task<StalledReader> OpenAsync(RunningService replica, string after) =>
        StalledReader.OpenAsync(replica.Url, $"{Stream}&last_event_id={after}", receiveBuffer: 16 * 1024);

    private static object Event(int number) =>
        new
        {
            topic = "t.1",
            type = "n",
            data = new { n = number, pad = Pad },
        };

    private static async Task<List<string?>> StatesAsync(RunningService replica)
    {
        var listing = await SeedRequests.JsonAsync(replica.Url, HttpMethod.Get, "/v1/connections?limit=1000");
        return [.. listing.GetProperty("connections").EnumerateArray().Select(c => c.GetProperty("state").GetString())];
    }
}
