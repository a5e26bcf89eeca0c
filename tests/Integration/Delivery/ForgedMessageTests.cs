using System.Globalization;
using EventStore;
using Runs;
using Stack;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>Somebody who can write to Redis, but not read Postgres.</summary>
public sealed class ForgedMessageTests(StackFixture stack)
{
    private const string Stream = "/v1/events/stream?topic=t.%3E";

    /// <summary>No look at the store would mend it: what Redis brings must do.</summary>
    private static readonly Dictionary<string, string> NoLooks = new() { ["Streaming__StoreCheckSeconds"] = "600" };

    [Fact]
    public async Task What_the_Broadcaster_did_not_sign_is_not_believed()
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 2, settings: NoLooks);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        var epoch = (await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 1, 1))[0].Split('-')[0];
        await reader.WaitForEventsAsync(1);
        await using var channel = await OpenAsync(system);

        var event_ = new EventRecord(
            2,
            Guid.NewGuid(),
            "t.1",
            "n",
            null,
            "666"u8.ToArray(),
            DateTimeOffset.UtcNow,
            null
        );
        var far = event_ with { Position = 1_000_000_000 };
        byte[][] forged =
        [
            new RelayMessage(epoch, 1_000_000, 1, 2, [event_], null, long.MaxValue).ToBytes(), // without any signature
            [.. new RelayMessage(epoch, 1, 1, far.Position, [far], null, long.MaxValue).ToBytes(), .. new byte[33]],
            [
                .. new RelayMessage(epoch, 1_000_000, 0, long.MaxValue, [], null, long.MaxValue).ToBytes(),
                (byte)'\n',
                .. new byte[32],
            ],
            [.. new RelayMessage("another", 1, 5, 5, [], null, long.MaxValue).ToBytes(), (byte)'\n', .. new byte[32]],
            "garbage"u8.ToArray(),
            [],
            new byte[33],
        ];
        foreach (var message in forged)
            await channel.PublishAsync(message);

        for (var n = 2; n <= 10; n++)
        {
            await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", n, 1);
            await reader.WaitForEventsAsync(n);
        }
        Assert.Equal(Enumerable.Range(1, 10), Numbers(reader));
        Assert.Contains("is refused", system.Replicas[0].Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_that_was_changed_on_its_way_is_not_believed_and_what_it_brought_comes_from_Postgres()
    {
        var listened = Guid.NewGuid().ToString("N");
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 1, broadcasters: 1);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var between = await ChangingChannel.OpenAsync(stack.Redis, system.Channel, listened);
        var other = await system.StartReplicaAsync(
            new() { ["EventStore__Channel"] = listened, ["Streaming__StoreCheckSeconds"] = "600" }
        );
        await system.WaitForModeAsync("live");
        await using var behind = await SseReader.OpenAtAsync(other.Url, Stream);
        between.Changes = true;
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 100, 20);
        await reader.WaitForEventsAsync(20);
        await DeliverySystem.EventuallyAsync(() => Task.FromResult(between.Changed > 0), "a message was changed");
        await behind.WaitForEventsAsync(20);
        Assert.Equal(Enumerable.Range(100, 20), Numbers(behind));
        between.Changes = false;
        await system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task Messages_that_are_played_again_change_nothing_and_are_no_sign_of_life()
    {
        await using var system = await DeliverySystem.StartAsync(stack, replicas: 2);
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[0].Url, Stream);
        await using var channel = await OpenAsync(system);
        await channel.RecordAsync();
        await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 1, 5);
        await reader.WaitForEventsAsync(5);
        await DeliverySystem.EventuallyAsync(
            () => Task.FromResult(channel.Recorded.Count > 3),
            "there is something to play again"
        );
        channel.IsRecording = false;
        foreach (var broadcaster in system.Broadcasters)
            broadcaster.Kill();
        using var stop = new CancellationTokenSource();
        var playing = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    foreach (var message in channel.Recorded)
                        await channel.PublishAsync(message);
                    await Task.Delay(20);
                }
            },
            TestContext.Current.CancellationToken
        );
        await system.WaitForModeAsync("degraded");
        await DeliverySystem.PublishNumbersAsync(system.Replicas[1], "t.1", 6, 5);
        await reader.WaitForEventsAsync(10);
        await stop.CancelAsync();
        await playing;
        Assert.Equal(Enumerable.Range(1, 10), Numbers(reader));
    }

    [Fact]
    public async Task Another_secret_in_the_store_is_taken_up_by_all()
    {
        await using var system = await DeliverySystem.StartAsync(stack);
        await using (
            var change = system.Database.CreateCommand(
                "update eventstore.secrets set value = sha256('another') where name = 'relay'"
            )
        )
            await change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        // One that starts has the new secret, the Broadcaster for a while the old one.
        await system.StartReplicaAsync(NoLooks);
        await system.WaitForModeAsync("live");
        await using var reader = await SseReader.OpenAtAsync(system.Replicas[1].Url, Stream);
        await DeliverySystem.PublishNumbersAsync(system.Replicas[0], "t.1", 1, 3);
        await reader.WaitForEventsAsync(3);
    }

    private async Task<RedisChannelTap> OpenAsync(DeliverySystem system) =>
        await RedisChannelTap.OpenAsync(stack.Redis, system.Channel);

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));

    /// <summary>A Redis channel as somebody has it who may do all there.</summary>
    private sealed class RedisChannelTap(ConnectionMultiplexer redis, RedisChannel channel) : IAsyncDisposable
    {
        private readonly List<byte[]> _recorded = [];

        public volatile bool IsRecording = true;

        public IReadOnlyList<byte[]> Recorded
        {
            get
            {
                lock (_recorded)
                    return [.. _recorded];
            }
        }

        public static async Task<RedisChannelTap> OpenAsync(string redis, string channel) =>
            new(
                await ConnectionMultiplexer.ConnectAsync(redis),
                new RedisChannel(channel, RedisChannel.PatternMode.Literal)
            );

        public Task<long> PublishAsync(byte[] message) => redis.GetSubscriber().PublishAsync(channel, message);

        public Task RecordAsync() =>
            redis
                .GetSubscriber()
                .SubscribeAsync(
                    channel,
                    (_, message) =>
                    {
                        lock (_recorded)
                            if (IsRecording)
                                _recorded.Add(message!);
                    }
                );

        public async ValueTask DisposeAsync()
        {
            await redis.CloseAsync();
            redis.Dispose();
        }
    }

    /// <summary>Passes messages on to another channel, one character of an event's data changed while it is told
    /// to.</summary>
    private sealed class ChangingChannel(ConnectionMultiplexer redis) : IAsyncDisposable
    {
        public volatile bool Changes;
        public volatile int Changed;

        public static async Task<ChangingChannel> OpenAsync(string redis, string from, string to)
        {
            var channel = new ChangingChannel(await ConnectionMultiplexer.ConnectAsync(redis));
            await channel.PassAsync(from, new RedisChannel(to, RedisChannel.PatternMode.Literal));
            return channel;
        }

        private Task PassAsync(string from, RedisChannel to)
        {
            var subscriber = redis.GetSubscriber();
            return subscriber.SubscribeAsync(
                new RedisChannel(from, RedisChannel.PatternMode.Literal),
                (_, message) =>
                {
                    var bytes = (byte[])message!;
                    var at = bytes.AsSpan().IndexOf("\"data\":1"u8);
                    if (Changes && at >= 0)
                    {
                        bytes = [.. bytes];
                        bytes[at + 7] = (byte)'9';
                        Changed++;
                    }
                    subscriber.Publish(to, bytes, CommandFlags.FireAndForget);
                }
            );
        }

        public async ValueTask DisposeAsync()
        {
            await redis.CloseAsync();
            redis.Dispose();
        }
    }
}
