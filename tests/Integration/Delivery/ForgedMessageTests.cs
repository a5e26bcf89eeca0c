using System.Collections.Concurrent;
using EventStore;
using Harness;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>An attacker who can write to Redis but not read Postgres.</summary>
public sealed class ForgedMessageTests(ForgedMessageTests.NoLooks fixture) : IClassFixture<ForgedMessageTests.NoLooks>
{
    // The tests share the servers; each has its own topics.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.Listen();

    private string Stream => $"/v1/events/stream?topic={_root}.%3E";
    private string Topic => $"{_root}.1";

    /// <summary>Two replicas that do not compare with the store, so that events come from Redis only.</summary>
    public sealed class NoLooks : SharedWorld
    {
        protected override int Replicas => 2;
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings =>
            new() { ["AspireSse__Streaming__StoreCheckSeconds"] = "600" };

        /// <summary>Lines of the first replica since the first test: it warns once in ten minutes.</summary>
        public ConcurrentQueue<string> Printed { get; } = new();

        internal World Listen()
        {
            System.Replicas[0].Printed -= Printed.Enqueue;
            System.Replicas[0].Printed += Printed.Enqueue;
            return System;
        }
    }

    public enum Attack
    {
        WithoutSignature,
        SignedForAnotherMessage,
        PlayedAgain,

        /// <summary>Signed: a Broadcaster of another release, during an upgrade.</summary>
        OfAnotherVersion,
    }

    [Theory]
    [InlineData(Attack.WithoutSignature)]
    [InlineData(Attack.SignedForAnotherMessage)]
    [InlineData(Attack.PlayedAgain)]
    [InlineData(Attack.OfAnotherVersion)]
    public async Task An_attackers_messages_change_nothing_and_are_no_sign_of_life(Attack attack)
    {
        await LiveAsync();
        await using var reader = await SseReader.OpenAtAsync(_system.Replicas[0].Url, Stream);
        await using var channel = await AttackedChannel.OpenAsync(_system);
        var first = (await World.PublishNumbersAsync(_system.Replicas[1], Topic, 1, 1))[0];

        await reader.WaitForEventsAsync(1);
        await Eventually.HoldsAsync(() => channel.Recorded.Count > 3, "the attacker has heard something");

        var genuine = channel.Recorded;
        var signature = genuine[0][^33..];
        List<byte[]> messages = attack switch
        {
            Attack.WithoutSignature =>
            [
                "garbage"u8.ToArray(),
                [],
                new byte[33],
                .. Forged(first), // without any signature
                .. Forged(first).Select(bytes => (byte[])[.. bytes, .. new byte[33]]),
                .. Forged(first).Select(bytes => (byte[])[.. bytes, (byte)'\n', .. new byte[32]]),
            ],
            Attack.SignedForAnotherMessage => [.. Forged(first).Select(bytes => (byte[])[.. bytes, .. signature])],
            Attack.OfAnotherVersion => [.. await OfAnotherVersionAsync(first)],
            _ => [.. genuine],
        };
        await using var playing = channel.Play(messages);

        for (var n = 2; n <= 10; n++)
        {
            await World.PublishNumbersAsync(_system.Replicas[1], Topic, n, 1);
            await reader.WaitForEventsAsync(n);
        }

        if (attack is not Attack.PlayedAgain)
            await Eventually.HoldsAsync(
                () => fixture.Printed.Any(line => line.Contains("was refused", StringComparison.Ordinal)),
                "the log says that a message was refused"
            );

        foreach (var broadcaster in _system.Broadcasters)
            await broadcaster.DisposeAsync();

        await _system.WaitForModeAsync("degraded");
        await World.PublishNumbersAsync(_system.Replicas[1], Topic, 11, 5);
        await reader.WaitForEventsAsync(15);
        Assert.Equal(Enumerable.Range(1, 15), reader.Numbers);
    }

    [Fact]
    public async Task A_changed_secret_in_the_store_is_taken_up_by_all()
    {
        await LiveAsync();
        await _system.Database.ExecuteAsync(
            "update eventstore.secrets set value = sha256('another') where name = 'relay'"
        );

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

    /// <summary>Messages that would bring an event of the attacker's, skip positions, or name another epoch.</summary>
    private IEnumerable<byte[]> Forged(string newest)
    {
        var position = World.Position(newest);
        var next = new RelayPage(World.Epoch(newest), 1_000_000, position, position + 1, long.MaxValue);
        var farther = next with { Fence = 1, Last = 1_000_000_000 };

        var event_ = new EventRecord
        {
            At = new(next.Epoch, next.Last),
            Id = Guid.NewGuid(),
            Topic = Topic,
            Type = "n",
            Data = "666"u8.ToArray(),
            Time = DateTimeOffset.UtcNow,
        };

        return
        [
            RelayFormat.ToBytes(next, [event_]),
            RelayFormat.ToBytes(farther, [event_ with { At = new(next.Epoch, farther.Last) }]),
            RelayFormat.ToBytes(next with { Previous = long.MaxValue, Last = long.MaxValue }, []),
            RelayFormat.ToBytes(new RelayPage("another", 1, 5, 5, long.MaxValue), []),
        ];
    }

    private async Task<IEnumerable<byte[]>> OfAnotherVersionAsync(string newest)
    {
        var secret = new RelaySecret(_system.Database);
        await secret.ReadAsync(TestContext.Current.CancellationToken);
        return Forged(newest).Select(bytes => secret.Sign([(byte)(bytes[0] - 1), .. bytes[1..]]));
    }

    /// <summary>Starts a Broadcaster if there is none, or a test has ended it.</summary>
    private async Task LiveAsync()
    {
        if (_system.Broadcasters.All(b => b.HasExited))
            await _system.StartBroadcasterAsync();
        await _system.WaitForModeAsync("live");
    }

    /// <summary>The Redis channels of a system, as an attacker with all rights on Redis sees them.</summary>
    private sealed class AttackedChannel(ConnectionMultiplexer redis, World system) : IAsyncDisposable
    {
        private readonly ConcurrentQueue<byte[]> _recorded = new();

        public IReadOnlyList<byte[]> Recorded => [.. _recorded];

        public static async Task<AttackedChannel> OpenAsync(World system)
        {
            var attacked = new AttackedChannel(await TestRedis.ConnectAsync(Stores.Shared.Redis), system);
            var messages = await attacked.Subscriber.SubscribeAsync(RedisChannel.Literal(system.Channel));
            messages.OnMessage(message => attacked._recorded.Enqueue(message.Message!));
            return attacked;
        }

        private ISubscriber Subscriber => redis.GetSubscriber();

        /// <summary>Publishes the messages again and again, until the result is disposed.</summary>
        public Playing Play(IReadOnlyList<byte[]> messages) =>
            new(async stop =>
            {
                using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
                do foreach (var message in messages)
                foreach (var channel in (string[])[system.Channel, system.DirectChannel])
                    await Subscriber.PublishAsync(RedisChannel.Literal(channel), message);
                while (await pace.WaitForNextTickAsync(stop));
            });

        public async ValueTask DisposeAsync()
        {
            await redis.CloseAsync();
            redis.Dispose();
        }
    }

    private sealed class Playing : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _playing;

        public Playing(Func<CancellationToken, Task> play) => _playing = Task.Run(() => play(_stop.Token));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }
    }
}
