using System.Text;
using EventStore;
using Harness;
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
    public async Task<EventRecord> AppendAsync(string topic, int number)
    {
        var position = await RunAsync(
            $$"""
            select positions[1] from eventstore.append('{1}', array[gen_random_uuid()], '{null}', '{{{topic}}}', '{n}',
                '{null}', '{{{number}}}', '{null}', null, '{false}')
            """
        );
        return Event(topic, (long)position!, $"{number}");
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

    public async ValueTask DisposeAsync()
    {
        await _redis.CloseAsync();
        _redis.Dispose();
        await System.DisposeAsync();
    }
}
