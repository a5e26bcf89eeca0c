using Harness;

namespace Integration.Delivery;

/// <summary>Readers that lag behind the memory and do not read: each may cost its lag and nothing else.</summary>
public sealed class SlowCatchUpTests
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";
    private const int Events = 120,
        Stalled = 20;

    /// <summary>One event exceeds a page of many, and all pages together have less room than one per reader.</summary>
    private static readonly string Pad = new('x', 20_000);

    /// <summary>Each reader's page has megabytes, and there is room for one. A page that a reader kept would be the
    /// last one read.</summary>
    [Fact]
    public async Task Readers_that_stall_at_different_positions_hold_up_no_other_and_get_everything_once()
    {
        await using var system = await StartAsync();
        var replica = system.Replicas[0];
        var positions = await PublishAsync(replica, _ => null);

        var stalled = new List<StalledReader>();
        try
        {
            for (var i = 0; i < Stalled; i++)
                stalled.Add(await OpenAsync(replica, positions[i]));

            await using (var other = await SseReader.OpenAtAsync(replica.Url, Stream, positions[Stalled]))
            {
                await other.WaitForEventsAsync(Events - Stalled - 1);
                Assert.Equal(Events - Stalled - 1, other.Events.Select(e => e.Id).Distinct().Count());
            }

            for (var i = 0; i < Stalled; i++)
            {
                var (numbers, _) = await stalled[i].ReadToAsync(Events);
                Assert.Equal(Enumerable.Range(i + 2, Events - i - 1), numbers);
            }
        }
        finally
        {
            foreach (var reader in stalled)
                await reader.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_stalled_reader_whose_page_was_released_gets_one_notice_of_the_skipped_range()
    {
        await using var system = await StartAsync();
        var replica = system.Replicas[0];
        // Every second event is kept; those between, of one key, are skipped but for the last.
        var positions = await PublishAsync(replica, n => n % 2 == 0 ? "same" : $"k{n}");
        await using var stalled = await OpenAsync(replica, positions[0], "&slow=latest");

        // Its page alone exceeds the limit: another page is read when the client has taken this one.
        await using (var other = await SseReader.OpenAtAsync(replica.Url, Stream, positions[0]))
            await other.WaitForEventsAsync(Events - 1);

        var (numbers, skipped) = await stalled.ReadToAsync(Events);
        Assert.Equal(numbers.Order().Distinct(), numbers);
        Assert.Equal(Events - 1, numbers.Count + skipped);
        Assert.Equal(1, stalled.Notices);
    }

    private static Task<World> StartAsync() =>
        World.Start(o =>
            o.Set("AspireSse:Streaming:RecentEvents", 0)
                .Set("AspireSse:Streaming:RingEvents", 16)
                .Set("AspireSse:Streaming:ReplayBytes", 1024 * 1024)
                .Set("AspireSse:Streaming:ReplaySharedSeconds", 0)
                .Set("AspireSse:Streaming:UnsentKilobytes", 16)
        );

    private static async Task<string[]> PublishAsync(RunningService replica, Func<int, string?> key)
    {
        var positions = new List<string>();
        foreach (var chunk in Enumerable.Range(1, Events).Chunk(40))
            positions.AddRange(
                await World.PublishAsync(
                    replica,
                    [.. chunk.Select(n => new EventBody("t.1", "n", new { n, pad = Pad }, key(n)))]
                )
            );

        return [.. positions];
    }

    private static Task<StalledReader> OpenAsync(RunningService replica, string after, string slow = "") =>
        StalledReader.OpenAsync(replica.Url, $"{Stream}{slow}&last_event_id={after}", receiveBuffer: 16 * 1024);
}
