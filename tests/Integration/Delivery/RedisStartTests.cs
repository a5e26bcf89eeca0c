using Harness;

namespace Integration.Delivery;

/// <summary>Connection strings of Redis with which no service starts, and one with which it does.</summary>
public sealed class RedisStartTests
{
    [Theory]
    [InlineData("StreamApi", "127.0.0.1:port", "not host:port")]
    [InlineData("Broadcaster", "127.0.0.1:1;127.0.0.1:2", "semicolon")]
    public async Task A_string_that_cannot_be_right_ends_the_start(string service, string redis, string message) =>
        await RefusesAsync(service, redis, message);

    [Fact]
    public async Task An_unreachable_server_does_not_fail_the_start()
    {
        await using var system = await World.Start(o =>
            o.Broadcasters(0).Set("ConnectionStrings:redis", $"127.0.0.1:{FreePort.Take()}")
        );
        var topic = $"t{Guid.NewGuid():N}";
        await system.StartBroadcasterAsync();

        await using var reader = await SseReader.OpenAtAsync(
            system.Replicas[0].Url,
            $"/v1/events/stream?topic={topic}"
        );
        await World.PublishNumbersAsync(system.Replicas[0], topic, 1, 3);
        await reader.WaitForEventsAsync(3);
    }

    [Fact]
    public async Task A_replica_that_started_while_Redis_was_silent_hears_it_once_it_is_back()
    {
        await using var system = await World.Start();
        system.Redis.Freeze();
        await system.StartReplicaAsync();
        await system.WaitForModeAsync("degraded");
        system.Redis.Heal();
        await system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task A_subscription_that_fails_again_and_again_is_logged_once_in_an_outage()
    {
        await using var system = await World.Start();
        for (var outage = 1; outage <= 2; outage++)
        {
            system.Redis.Cut();
            await system.WaitForModeAsync("degraded");
            await Eventually.HoldsAsync(() => Failures() == outage, "the outage is in the log");

            // The replica tries again each second.
            await Task.Delay(TimeSpan.FromSeconds(4), TestContext.Current.CancellationToken);
            Assert.Equal(outage, Failures());

            system.Redis.Heal();
            await system.WaitForModeAsync("live");
        }

        int Failures() => system.Replicas[0].Output.Split("The subscription to Redis failed").Length - 1;
    }

    private static async Task RefusesAsync(string service, string redis, string message)
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__eventstore"] = Stores.Shared.EventStore,
            ["ConnectionStrings__redis"] = redis,
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
        };
        Assert.Contains(message, await ServiceHost.RefusalAsync(service, settings), StringComparison.Ordinal);
    }
}
