using System.Diagnostics.Metrics;
using System.Text;
using EventStore;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Streaming.Fanout;
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

    [Fact]
    public async Task Two_systems_on_one_channel_are_told_once_which_setting_separates_them()
    {
        await using var rig = await Rig.StartAsync();

        // Each sends a heartbeat in turn.
        for (var heartbeat = 0; heartbeat < 3; heartbeat++)
        {
            await rig.SendAsync(1, "ours");
            await rig.SendForeignAsync();
        }

        var warning = Assert.Single(rig.Warnings, text => text.Contains("refused", StringComparison.Ordinal));
        Assert.Contains("AspireSse:EventStore:Channel", warning, StringComparison.Ordinal);
    }

    private static int NumberOf(RelayPage page) => (int)Assert.Single(page.ReadEvents()).Position;

    /// <summary>The intake of a replica without its feed, and a Broadcaster that signs what the test sends.</summary>
    private sealed class Rig : IAsyncDisposable
    {
        private readonly IHost _host;
        private readonly WarningLines _log;
        private readonly MeterListener _listener = new();
        private readonly RedisIntake _intake;
        private readonly RelaySecret _secret;
        private readonly ISubscriber _redis;
        private readonly string _channel;
        private int _position;
        private int _refused;

        private Rig(IHost host, WarningLines log, IConnectionMultiplexer redis)
        {
            _host = host;
            _log = log;
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

        public IReadOnlyCollection<string> Warnings => _log.Texts;

        public static async Task<Rig> StartAsync()
        {
            var cancellationToken = TestContext.Current.CancellationToken;
            var database = await Stores.Shared.CreateMigratedAsync(cancellationToken);
            var builder = StoreOnlyHost.Of(
                database.ConnectionString,
                ("ConnectionStrings:redis", Stores.Shared.Redis),
                ("AspireSse:EventStore:Channel", database.Database!)
            );

            var log = new WarningLines();
            builder.Logging.AddProvider(log);
            builder.AddRelayRedis();
            builder
                .Services.AddSingleton<RelayChannels>()
                .AddSingleton<FilterRingRegistry>()
                .AddSingleton<DirectPages>()
                .AddSingleton<RedisIntake>()
                .AddHostedService(services => services.GetRequiredService<RedisIntake>());

            var host = builder.Build();
            var rig = new Rig(host, log, await TestRedis.ConnectAsync(Stores.Shared.Redis));
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
                await SendForeignAsync();
            }

            return _position;
        }

        /// <summary>Sends a message of another system, and returns when the intake has refused it, and so has taken all
        /// before it: a channel keeps its order.</summary>
        public async Task SendForeignAsync()
        {
            var refused = Volatile.Read(ref _refused) + 1;
            await _redis.PublishAsync(RedisChannel.Literal(_channel), "unsigned"u8.ToArray());
            await Eventually.HoldsAsync(
                () => Volatile.Read(ref _refused) >= refused,
                "the intake has had every message"
            );
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
                new EventRecord
                {
                    At = new(page.Epoch, _position),
                    Id = Guid.CreateVersion7(),
                    Topic = Topic,
                    Type = "n",
                    Data = Encoding.UTF8.GetBytes(data),
                    Time = DateTimeOffset.UnixEpoch,
                }
            );
        }
    }
}
