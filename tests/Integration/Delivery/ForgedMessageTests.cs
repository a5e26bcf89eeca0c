using System.Collections.Concurrent;
using System.Globalization;
using EventStore;
using Harness;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>An attacker who can write to Redis but not read Postgres.</summary>
public sealed class ForgedMessageTests(ForgedMessageTests.NoLooks fixture) : IClassFixture<ForgedMessageTests.NoLooks>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";
    private string Topic => $"{_root}.1";

    /// <summary>Two replicas that do not compare with the store, so that events come from Redis only.</summary>
    public sealed class NoLooks : SharedWorld
    {
        protected override int Replicas => 2;
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings => new() { ["Streaming__StoreCheckSeconds"] = "600" };
    }

    [Fact]
    public async Task A_message_that_the_Broadcaster_did_not_sign_is_refused()
    {
        await LiveAsync();
        var printed = new ConcurrentQueue<string>(); // from now on: another test of this class is refused messages, too
        _system.Replicas[0].Printed += printed.Enqueue;
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        var first = (await World.PublishNumbersAsync(_system.Replicas[1], Topic, 1, 1))[0].Split('-');
        var (epoch, position) = (first[0], long.Parse(first[1], CultureInfo.InvariantCulture));
        await reader.WaitForEventsAsync(1);
        await using var channel = await OpenAsync();

        var event_ = new EventRecord(
            position + 1,
            Guid.NewGuid(),
            Topic,
            "n",
            null,
            "666"u8.ToArray(),
            DateTimeOffset.UtcNow,
            null
        );
        var far = event_ with { Position = 1_000_000_000 };
        var slot = Relayed.Slots.Of(Topic);
        var (next, farther) = (
            new RelayPage(epoch, 1_000_000, position, position + 1),
            new RelayPage(epoch, 1, position, far.Position)
        );
        var all = SlotSet.All(Relayed.Slots.Count);
        var heads = new long[Relayed.Slots.Count];
        RelayMessage[] said =
        [
            new SlotBody(next, slot, [event_], null),
            new PageIndex(next, long.MaxValue, all),
            new SlotBody(farther, slot, [far], null),
            new PageIndex(farther, long.MaxValue, all),
            new Heartbeat(next with { Previous = long.MaxValue, Last = long.MaxValue }, long.MaxValue, heads),
            new Heartbeat(new RelayPage("another", 1, 5, 5), long.MaxValue, heads),
        ];
        var forged = new List<byte[]> { "garbage"u8.ToArray(), Array.Empty<byte>(), new byte[33] };
        foreach (var bytes in said.Select(Relayed.Format.ToBytes))
        {
            forged.Add(bytes); // without any signature
            forged.Add([.. bytes, .. new byte[33]]);
            forged.Add([.. bytes, (byte)'\n', .. new byte[32]]);
        }
        foreach (var message in forged)
        foreach (var suffix in (string[])["", ":pages", $":{slot}"])
            await channel.PublishAsync(suffix, message);

        for (var n = 2; n <= 10; n++)
        {
            await World.PublishNumbersAsync(_system.Replicas[1], Topic, n, 1);
            await reader.WaitForEventsAsync(n);
        }
        Assert.Equal(Enumerable.Range(1, 10), Numbers(reader));
        await Eventually.HoldsAsync(
            () => printed.Any(line => line.Contains("was refused", StringComparison.Ordinal)),
            "the log says that a message was refused"
        );
        _system.Replicas[0].Printed -= printed.Enqueue;
    }

    [Fact]
    public async Task A_forged_message_is_rejected_and_its_events_are_read_from_Postgres()
    {
        var listened = Guid.NewGuid().ToString("N");
        await LiveAsync();
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var between = await ChangingChannel.OpenAsync(Stores.Shared.Redis, _system.Channel, listened);
        await using var other = await _system.StartReplicaAsync(
            new() { ["EventStore__Channel"] = listened, ["Streaming__StoreCheckSeconds"] = "600" }
        );
        await _system.WaitForModeAsync("live");
        await using var behind = await SseReader.OpenAtAsync(other.Url, Stream);
        between.Changes = true;
        await World.PublishNumbersAsync(_system.Replicas[0], Topic, 100, 20);
        await reader.WaitForEventsAsync(20);
        await Eventually.HoldsAsync(() => between.Changed > 0, "a message was changed");
        await behind.WaitForEventsAsync(20);
        Assert.Equal(Enumerable.Range(100, 20), Numbers(behind));
        between.Changes = false;
        await _system.WaitForModeAsync("live");
    }

    [Fact]
    public async Task Messages_that_are_played_again_change_nothing_and_are_no_sign_of_life()
    {
        await LiveAsync();
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var channel = await OpenAsync();
        await channel.RecordAsync();
        await World.PublishNumbersAsync(_system.Replicas[1], Topic, 1, 5);
        await reader.WaitForEventsAsync(5);
        await Eventually.HoldsAsync(() => channel.Recorded.Count > 3, "there is something to play again");

        channel.IsRecording = false;
        foreach (var broadcaster in _system.Broadcasters)
            broadcaster.Process.Kill();
        using var stop = new CancellationTokenSource();

        var playing = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    foreach (var (suffix, message) in channel.Recorded)
                        await channel.PublishAsync(suffix, message);
                    await Task.Delay(20);
                }
            },
            TestContext.Current.CancellationToken
        );

        await _system.WaitForModeAsync("degraded");
        await World.PublishNumbersAsync(_system.Replicas[1], Topic, 6, 5);
        await reader.WaitForEventsAsync(10);
        await stop.CancelAsync();
        await playing;
        Assert.Equal(Enumerable.Range(1, 10), Numbers(reader));
    }

    [Fact]
    public async Task A_changed_secret_in_the_store_is_taken_up_by_all()
    {
        await LiveAsync();
        await using (
            var change = _system.Database.CreateCommand(
                "update eventstore.secrets set value = sha256('another') where name = 'relay'"
            )
        )
            await change.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        // A replica that starts reads the new secret; the Broadcaster still uses the old one for a while.
        await using var late = await _system.StartReplicaAsync();
        await _system.WaitForModeAsync("live");
        var readers = new List<SseReader>();
        foreach (var replica in (RunningService[])[_system.Replicas[0], _system.Replicas[1], late])
            readers.Add(await SseReader.OpenAtAsync(replica.Url, Stream));
        await World.PublishNumbersAsync(_system.Replicas[0], Topic, 1, 3);
        foreach (var reader in readers)
        {
            await reader.WaitForEventsAsync(3);
            await reader.DisposeAsync();
        }
        await _system.StopAsync(late);
    }

    /// <summary>Starts a Broadcaster if there is none, or a test has killed it.</summary>
    private async Task LiveAsync()
    {
        if (_system.Broadcasters.All(b => b.HasExited))
            await _system.StartBroadcasterAsync(asProcess: true);
        await _system.WaitForModeAsync("live");
    }

    private async Task<RedisChannelTap> OpenAsync() =>
        await RedisChannelTap.OpenAsync(Stores.Shared.Redis, _system.Channel);

    private static IEnumerable<int> Numbers(SseReader reader) =>
        reader.Events.Select(e => int.Parse(e.Data!, CultureInfo.InvariantCulture));

    /// <summary>The Redis channels of a system, as an attacker with all rights on Redis sees them.</summary>
    private sealed class RedisChannelTap(ConnectionMultiplexer redis, string channel) : IAsyncDisposable
    {
        private readonly List<(string Suffix, byte[] Message)> _recorded = [];

        public volatile bool IsRecording = true;

        public IReadOnlyList<(string Suffix, byte[] Message)> Recorded
        {
            get
            {
                lock (_recorded)
                    return [.. _recorded];
            }
        }

        public static async Task<RedisChannelTap> OpenAsync(string redis, string channel) =>
            new(await TestRedis.ConnectAsync(redis), channel);

        public Task<long> PublishAsync(string suffix, byte[] message) =>
            redis
                .GetSubscriber()
                .PublishAsync(new RedisChannel(channel + suffix, RedisChannel.PatternMode.Literal), message);

        public async Task RecordAsync()
        {
            var messages = await redis
                .GetSubscriber()
                .SubscribeAsync(new RedisChannel(channel + "*", RedisChannel.PatternMode.Pattern));
            messages.OnMessage(message =>
            {
                lock (_recorded)
                    if (IsRecording)
                        _recorded.Add((((string)message.Channel!)[channel.Length..], message.Message!));
            });
        }

        public async ValueTask DisposeAsync()
        {
            await redis.CloseAsync();
            redis.Dispose();
        }
    }

    /// <summary>Passes messages on to other channels, and changes one character of an event's data while asked
    /// to.</summary>
    private sealed class ChangingChannel(ConnectionMultiplexer redis) : IAsyncDisposable
    {
        public volatile bool Changes;
        public volatile int Changed;

        public static async Task<ChangingChannel> OpenAsync(string redis, string from, string to)
        {
            var channel = new ChangingChannel(await TestRedis.ConnectAsync(redis));
            await channel.PassAsync(from, to);
            return channel;
        }

        private async Task PassAsync(string from, string to)
        {
            var subscriber = redis.GetSubscriber();
            var messages = await subscriber.SubscribeAsync(
                new RedisChannel(from + "*", RedisChannel.PatternMode.Pattern)
            );
            messages.OnMessage(message =>
            {
                var bytes = (byte[])message.Message!;
                var at = bytes.AsSpan().IndexOf("\"data\":1"u8);
                if (Changes && at >= 0)
                {
                    bytes = [.. bytes];
                    bytes[at + 7] = (byte)'9';
                    Changed++;
                }
                var name = to + ((string)message.Channel!)[from.Length..];
                subscriber.Publish(
                    new RedisChannel(name, RedisChannel.PatternMode.Literal),
                    bytes,
                    CommandFlags.FireAndForget
                );
            });
        }

        public async ValueTask DisposeAsync()
        {
            await redis.CloseAsync();
            redis.Dispose();
        }
    }
}
