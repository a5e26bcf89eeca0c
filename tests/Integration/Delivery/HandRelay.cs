using System.Text;
using EventStore;
using Harness;
using Npgsql;
using StackExchange.Redis;

namespace Integration.Delivery;

/// <summary>A Broadcaster in the hands of a test. It signs and sends the pages that the test names, so that a page can
/// be lost, and an epoch can be a former one.</summary>
internal sealed class HandRelay : IAsyncDisposable
{
    private readonly ConnectionMultiplexer _redis;
    private readonly RelaySecret _secret;
    private long _sent;

    private HandRelay(World system, ConnectionMultiplexer redis)
    {
        System = system;
        _redis = redis;
        _secret = new RelaySecret(system.Database);
    }

    /// <summary>The system, whose replica gets its events from this relay alone.</summary>
    public World System { get; }

    public RunningService Replica => System.Replicas[0];

    public static async Task<HandRelay> StartAsync()
    {
        var system = await World.Start(o =>
            o.Broadcasters(0)
                .Set("AspireSse:Streaming:StoreCheckSeconds", 600)
                .Set("AspireSse:Streaming:RelayHeartbeatSeconds", 600)
                .Set("AspireSse:EventStore:UnhealthySeconds", 3)
                .Set("AspireSse:EventStore:CommandTimeoutSeconds", 2)
        );
        var relay = new HandRelay(system, await TestRedis.ConnectAsync(Stores.Shared.Redis));
        await relay._secret.ReadAsync(TestContext.Current.CancellationToken);

        return relay;
    }

    /// <summary>Runs a statement and returns its first value.</summary>
    public async Task<object?> RunAsync(string sql)
    {
        await using var command = System.Database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public async Task<string> EpochAsync() => (string)(await RunAsync("select eventstore.epoch()"))!;

    /// <summary>Stores an event, of which the replica learns nothing.</summary>
    public Task<EventRecord> AppendAsync(string topic, int number) => AppendAsync(System.Database, topic, number);

    /// <param name="direct">True as from a replica that sends it itself.</param>
    public static async Task<EventRecord> AppendAsync(
        NpgsqlDataSource store,
        string topic,
        int number,
        bool direct = false
    )
    {
        await using var command = store.CreateCommand(
            $$"""
            select positions[1] from eventstore.append('{1}', array[gen_random_uuid()], '{null}', '{{{topic}}}', '{n}',
                '{null}', '{{{number}}}', '{null}', null, '{false}', {{direct}})
            """
        );
        var position = (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
        return Event(topic, position, $"{number}");
    }

    public static EventRecord Event(string topic, long position, string data) =>
        new()
        {
            At = new("", position),
            Id = Guid.CreateVersion7(),
            Topic = topic,
            Type = "n",
            Data = Encoding.UTF8.GetBytes(data),
            Time = DateTimeOffset.UnixEpoch,
        };

    /// <summary>Sends the page of these events, whose positions follow one another.</summary>
    public Task SendAsync(string epoch, params EventRecord[] events) =>
        _redis
            .GetSubscriber()
            .PublishAsync(
                System.Channel,
                _secret,
                new RelayPage(epoch, 1, events[0].Position - 1, events[^1].Position, ++_sent),
                events
            );

    /// <summary>Sends the page of an event as the replica that committed it.</summary>
    public Task SendDirectAsync(string epoch, long previous, EventRecord record) =>
        _redis
            .GetSubscriber()
            .PublishAsync(System.DirectChannel, _secret, new RelayPage(epoch, 0, previous, record.Position, 0), record);

    /// <summary>Opens a reader of the topics a and b, and returns when the replica has delivered an event of
    /// each.</summary>
    public async Task<SseReader> ReadAsync()
    {
        var reader = await SseReader.OpenAtAsync(Replica.Url, "/v1/events/stream?topic=a&topic=b");
        var epoch = await EpochAsync();
        var first = await AppendAsync("a", 1);

        // Again, until the replica has subscribed.
        await Eventually.HoldsAsync(
            async () =>
            {
                await SendAsync(epoch, first);
                return reader.Events.Any();
            },
            "the replica receives pages"
        );

        await Relayed.SubscribedAsync(System.DirectChannel, 1);
        await SendAsync(epoch, await AppendAsync("b", 2));
        await reader.WaitForEventsAsync(2);
        return reader;
    }

    /// <summary>Begins an epoch, as after the promotion of a standby that has every event, and returns when the replica
    /// has entered it and delivered its third event.</summary>
    public async Task<string> PromoteAsync(SseReader reader)
    {
        await RunAsync("select eventstore.lock_log(), eventstore.record_epoch(eventstore.epoch(), eventstore.head())");

        var epoch = await EpochAsync();
        var third = await AppendAsync("a", 3);
        // Again, because messages of an unknown epoch do not cause more than four reads of the store in a second.
        await Eventually.HoldsAsync(
            async () =>
            {
                await SendAsync(epoch, third);
                return reader.Events.Count() == 3;
            },
            "the replica enters the epoch"
        );

        return epoch;
    }

    public async ValueTask DisposeAsync()
    {
        await _redis.CloseAsync();
        _redis.Dispose();
        await System.DisposeAsync();
    }
}
