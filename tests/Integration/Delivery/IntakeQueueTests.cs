using System.Diagnostics.Metrics;
using System.Text;
using EventStore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Streaming.Feed;

namespace Integration.Delivery;

/// <summary>The queue of relayed messages in front of a feed that does not read.</summary>
public sealed class IntakeQueueTests
{
    private const int MaxMessages = 1_024,
        MaxBytes = 64 * 1024 * 1024;

    private const string Topic = "t";

    [Fact]
    public async Task It_holds_the_newest_1024_messages_and_of_64_MB_the_oldest()
    {
        await using var rig = await Rig.StartAsync();

        // Many messages, which together have fewer bytes than the queue may hold.
        var last = await rig.SendAsync(MaxMessages + 476, new string('x', 1_000));
        var held = rig.ReadAll();
        Assert.Equal(Enumerable.Range(last - MaxMessages + 1, MaxMessages), held.Select(NumberOf));

        // Messages with more bytes than it may hold: the places of those dropped before are free again.
        var first = last + 1;
        await rig.SendAsync(80, new string('x', 1_000_000));
        held = rig.ReadAll();

        var bytes = held.Sum(page => (long)page.Events.Length);
        Assert.InRange(bytes, MaxBytes - held[0].Events.Length, MaxBytes);
        Assert.Equal(Enumerable.Range(first, held.Count), held.Select(NumberOf));

        // The feed reads on, so everything has a place.
        last = await rig.SendAsync(3, "x");
        Assert.Equal([last - 2, last - 1, last], rig.ReadAll().Select(NumberOf));
    }

    private static int NumberOf(RelayPage page) => (int)Assert.Single(page.ReadEvents()).Position;

    /// <summary>The intake of a replica without its feed, and a Broadcaster that signs what the test sends.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly IHost _host;
        private readonly MeterListener _listener = new();
        private readonly RedisIntake _intake;
        private readonly RelaySecret _secret;
        private readonly ISubscriber _redis;
        private readonly string _channel;
        private int _position;
        private int _refused;

        private Rig(IHost host, IConnectionMultiplexer redis)
        {
            _host = host;
            _intake = host.Services.GetRequiredService<RedisIntake>();
            _secret = host.Services.GetRequiredService<RelaySecret>();
            _channel = host.Services.GetRequiredService<IOptions<EventStoreOptions>>().Value.Channel;
            _redis = redis.GetSubscriber();

            var meters = host.Services.GetRequiredService<IMeterFactory>();
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == "sse.server.relay.refused" && instrument.Meter.Scope == meters)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _refused, (int)count));
            _listener.Start();
        }

        public static async Task<Rig> StartAsync()
        {
            var cancellationToken = TestContext.Current.CancellationToken;
            var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
            var builder = StoreOnlyHost.Of(
                database.ConnectionString,
                ("ConnectionStrings:redis", Stores.Shared.Redis),
                ("AspireSse:EventStore:Channel", database.Database!)
            );

            builder.AddRelayRedis();
            builder
                .Services.AddSingleton<RedisIntake>()
                .AddHostedService(services => services.GetRequiredService<RedisIntake>());

            var host = builder.Build();
            var rig = new Rig(host, await TestRedis.ConnectAsync(Stores.Shared.Redis));
            await host.StartAsync(cancellationToken);
            await rig._secret.ReadAsync(cancellationToken);
            await rig.SubscribedAsync();

            return rig;
        }

        /// <summary>Sends pages with one event each, and returns when the intake has had them all.</summary>
        /// <returns>The position of the last event.</returns>
        public async Task<int> SendAsync(int pages, string text)
        {
            // Redis disconnects a subscriber for which 32 MB wait.
            var atOnce = Math.Max(1, 8_000_000 / text.Length);
            foreach (var some in Enumerable.Range(0, pages).Chunk(atOnce))
            {
                foreach (var _ in some)
                    await SendPageAsync($"\"{text}\"");
                await TakenAsync();
            }

            return _position;
        }

        /// <summary>Reads the queue until it is empty.</summary>
        public List<RelayPage> ReadAll()
        {
            var pages = new List<RelayPage>();
            while (_intake.TryRead(out var page))
                pages.Add(page);
            return pages;
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _host.StopAsync(TestContext.Current.CancellationToken);
            _host.Dispose();
            await _redis.Multiplexer.CloseAsync();
            _redis.Multiplexer.Dispose();
        }

        /// <summary>Waits until the intake has taken every message. A channel keeps its order, so a refused message is
        /// the last of them.</summary>
        private async Task TakenAsync()
        {
            var refused = Volatile.Read(ref _refused) + 1;
            await _redis.PublishAsync(RedisChannel.Literal(_channel), "unsigned"u8.ToArray());
            await Eventually.HoldsAsync(
                () => Volatile.Read(ref _refused) >= refused,
                "the intake has had every message"
            );
        }

        /// <summary>Waits until a page comes with its event.</summary>
        private Task SubscribedAsync() =>
            Eventually.HoldsAsync(
                async () =>
                {
                    await SendPageAsync("0");
                    return ReadAll().Count > 0;
                },
                "the intake is subscribed"
            );

        private async Task SendPageAsync(string data)
        {
            var page = new RelayPage("e", 1, _position, _position + 1, _position + 1);
            _position++;
            await _redis.PublishAsync(
                _channel,
                _secret,
                page,
                new EventRecord(
                    _position,
                    Guid.CreateVersion7(),
                    Topic,
                    "n",
                    null,
                    Encoding.UTF8.GetBytes(data),
                    DateTimeOffset.UnixEpoch,
                    null
                )
            );
        }
    }
}
