using System.Diagnostics;
using Integration.Seeds;
using Stack;

namespace Integration.Delivery;

/// <summary>A reader that does not read costs the others nothing.</summary>
[Trait("Takes", "long")]
public sealed class StalledReaderTests(StackFixture stack)
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";
    private const int Count = 4_000,
        Rounds = 40,
        Readers = 8; // 4,000 events are 16 MB: more than both socket buffers hold

    [Fact]
    public async Task A_stalled_reader_delays_no_other_and_later_gets_everything_it_missed()
    {
        await using var system = await DeliverySystem.StartAsync(
            stack,
            replicas: 2,
            settings: new() { ["Streaming__RingEvents"] = "64", ["Streaming__RecentEvents"] = "64" }
        );
        var (stalling, free) = (system.Replicas[0], system.Replicas[1]);
        await using var prompt = await SseReader.OpenAtAsync(stalling.Url, Stream);
        await using var stalled = await StalledReader.OpenAsync(stalling.Url, Stream);
        await DeliverySystem.PublishLargeAsync(stalling, "t.1", Count);
        await prompt.WaitForEventsAsync(Count);

        // Its window, the bytes under way, and Streaming:UnsentKilobytes.
        var connections = (await Requests.JsonAsync(stalling.Url, HttpMethod.Get, "/v1/connections")).GetProperty(
            "connections"
        );
        if (OperatingSystem.IsLinux())
            Assert.InRange(connections.EnumerateArray().Min(c => c.GetProperty("bytes").GetInt64()), 1, 1_000_000);

        // Sends one event at a time to the readers beside the stalled one and to as many readers elsewhere, which
        // differ only in the stall. There are enough of them for each of the server's writers.
        var (beside, apart) = (new List<SseReader>(), new List<SseReader>());
        for (var i = 0; i < Readers; i++)
        {
            beside.Add(await SseReader.OpenAtAsync(stalling.Url, Stream));
            apart.Add(await SseReader.OpenAtAsync(free.Url, Stream));
        }
        var (withStall, without) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var round = 1; round <= Rounds; round++)
        {
            var begun = Stopwatch.GetTimestamp();
            var both = Task.WhenAll(ArriveAsync(beside, withStall), ArriveAsync(apart, without));
            await DeliverySystem.PublishAsync(
                system.Replicas[round % 2],
                new EventBody("t.1", "n", new { n = Count + round })
            );
            await both;

            async Task ArriveAsync(List<SseReader> readers, List<TimeSpan> arrivals)
            {
                await Task.WhenAll(readers.Select(reader => reader.WaitForEventsAsync(round)));
                arrivals.Add(Stopwatch.GetElapsedTime(begun));
            }
        }
        foreach (var reader in (SseReader[])[.. beside, .. apart])
            await reader.DisposeAsync();
        Assert.True(
            Median(withStall) <= 3 * Median(without),
            $"beside the stalled reader {Median(withStall)}, apart from it {Median(without)}"
        );

        var (numbers, _) = await stalled.ReadToAsync(Count + Rounds);
        Assert.Equal(Enumerable.Range(1, Count + Rounds), numbers);

        static TimeSpan Median(List<TimeSpan> times) => times.Order().ElementAt(times.Count / 2);
    }
}
