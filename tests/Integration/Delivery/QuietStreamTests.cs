namespace Integration.Delivery;

/// <summary>Heartbeats of a stream without events, at the default times: the clock is moved.</summary>
public sealed class QuietStreamTests
{
    /// <summary>More than half of 15 seconds, and 7 seconds for the next event to arrive.</summary>
    private static readonly TimeSpan Half = TimeSpan.FromSeconds(8);

    [Fact]
    public async Task A_quiet_stream_gets_heartbeats_and_one_with_an_event_in_each_interval_none()
    {
        var clock = new MovableClock();
        await using var world = await World.Start(o =>
            o.Clock(clock).Set("AspireSse:Streaming:PositionSeconds", 3_600)
        );
        var replica = world.Replicas[0];

        await using var quiet = await SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=quiet");
        await using var busy = await SseReader.OpenAtAsync(replica.Url, "/v1/events/stream?topic=busy");

        for (var heartbeats = 1; heartbeats <= 2; heartbeats++)
        {
            for (var i = 0; i < 2; i++)
            {
                await World.PublishAsync(replica, new EventBody("busy", "n", i));
                var count = 2 * heartbeats - 1 + i;
                await busy.WaitForEventsAsync(count);
                clock.Advance(Half);
            }

            var wanted = heartbeats;
            await quiet.WaitAsync(r => Heartbeats(r) >= wanted);
        }

        Assert.Equal(0, Heartbeats(busy));

        static int Heartbeats(SseReader reader) => reader.Frames.Count(f => f.Comment == "heartbeat");
    }
}
