using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;
using StackExchange.Redis;

namespace Benchmarks.Slots;

/// <summary>
/// Takes the Broadcaster's place on Redis: publishes signed heartbeats, bodies and page indexes as it does, without
/// events in Postgres, which cannot store 50,000 a second and leave this machine time for a measurement.
/// </summary>
/// <remarks>As behind the Broadcaster, a slot without events for eight heartbeats is raised to a former head.</remarks>
internal sealed class RelayedLoad : IAsyncDisposable
{
    private const int QuietHeartbeats = 8;
    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(1);
    private static readonly byte[] Data = System.Text.Encoding.UTF8.GetBytes(
        $$"""{"padding":"{{new string('x', 86)}}"}"""
    );

    private readonly NpgsqlDataSource _store;
    private readonly RelaySecret _secret;
    private readonly ConnectionMultiplexer _redis;
    private readonly TopicSlots _slots;
    private readonly RelayFormat _format;
    private readonly string _channel = new EventStoreOptions().Channel;
    private readonly string _epoch;
    private readonly long _fence;
    private readonly long[] _heads;
    private readonly Queue<long> _headsAtHeartbeats = [];
    private readonly long _begun = Stopwatch.GetTimestamp();
    private TimeSpan _nextHeartbeat;
    private long _head,
        _sent = DateTimeOffset.UtcNow.UtcTicks;

    private RelayedLoad(
        NpgsqlDataSource store,
        RelaySecret secret,
        ConnectionMultiplexer redis,
        int slots,
        (string Epoch, long Head, long Fence) log
    )
    {
        (_store, _secret, _redis) = (store, secret, redis);
        (_epoch, _head, _fence) = (log.Epoch, log.Head, log.Fence + 1);
        _slots = new TopicSlots(Options.Create(new EventStoreOptions { Slots = slots }));
        _format = new RelayFormat(_slots);
        _heads = new long[slots];
        Array.Fill(_heads, _head);
    }

    /// <summary>Bytes of the largest heartbeat since the start.</summary>
    public int LargestHeartbeat { get; private set; }

    /// <summary>Bodies published since the start.</summary>
    public long Bodies { get; private set; }

    public static async Task<RelayedLoad> OpenAsync(
        string eventStore,
        string redis,
        int slots,
        CancellationToken cancellationToken
    )
    {
        var store = NpgsqlDataSource.Create(eventStore);
        var secret = new RelaySecret(store);
        await secret.ReadAsync(cancellationToken);
        await using var command = store.CreateCommand(
            "select eventstore.epoch(), eventstore.head(), (select max(fence) from eventstore.leases)"
        );
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var log = (row.GetString(0), row.GetInt64(1), row.GetInt64(2));
        return new RelayedLoad(store, secret, await ConnectionMultiplexer.ConnectAsync(redis), slots, log);
    }

    /// <summary>Publishes pages at a fixed rate, and heartbeats. Without events only heartbeats.</summary>
    public async Task PublishAsync(
        Func<string> topic,
        int pagesPerSecond,
        int eventsPerPage,
        TimeSpan time,
        CancellationToken cancellationToken
    )
    {
        var clock = Stopwatch.StartNew();
        for (var pages = 0L; clock.Elapsed < time; )
        {
            if (Stopwatch.GetElapsedTime(_begun) >= _nextHeartbeat)
            {
                await SendHeartbeatAsync();
                _nextHeartbeat = Stopwatch.GetElapsedTime(_begun) + HeartbeatInterval;
            }
            var due = (long)(clock.Elapsed.TotalSeconds * pagesPerSecond);
            if (pages < due && eventsPerPage > 0)
            {
                await PageAsync(topic, eventsPerPage);
                pages++;
                if (due - pages > pagesPerSecond)
                    throw new Harness.BenchmarkException($"This machine cannot relay {pagesPerSecond} pages a second.");
            }
            else
                await Task.Delay(TimeSpan.FromMilliseconds(2), cancellationToken);
        }
    }

    /// <summary>Verifies and parses the index of a page with this many slots in a loop. Returns the time of one, in
    /// microseconds.</summary>
    public double ReadIndex(int used)
    {
        const int Times = 20_000;
        var slots = new SlotSet(_slots.Count);
        for (var n = 0; n < used; n++)
            slots.Add(n * _slots.Count / used);
        var page = new RelayPage(_epoch, _fence, _head, _head + 1);
        var bytes = _secret.Sign(_format.ToBytes(new PageIndex(page, _sent, slots)));
        var begun = Stopwatch.GetTimestamp();
        for (var n = 0; n < Times; n++)
            _format.Parse(_secret.Open(bytes)!.Value);
        return Stopwatch.GetElapsedTime(begun).TotalMicroseconds / Times;
    }

    public async ValueTask DisposeAsync()
    {
        _redis.Dispose();
        await _store.DisposeAsync();
    }

    private async Task SendHeartbeatAsync()
    {
        _headsAtHeartbeats.Enqueue(_head);
        if (_headsAtHeartbeats.Count > QuietHeartbeats && _headsAtHeartbeats.Dequeue() is var quiet)
            for (var slot = 0; slot < _heads.Length; slot++)
                _heads[slot] = Math.Max(_heads[slot], quiet);
        var heartbeat = new Heartbeat(new RelayPage(_epoch, _fence, _head, _head), ++_sent, _heads, Placement: 0);
        LargestHeartbeat = Math.Max(LargestHeartbeat, await SendAsync(_channel, heartbeat));
        await SendAsync(RelayChannels.Pages(_channel), heartbeat);
    }

    private async Task PageAsync(Func<string> topic, int count)
    {
        var page = new RelayPage(_epoch, _fence, _head, _head + count);
        var bodies = new Dictionary<int, List<EventRecord>>();
        var used = new SlotSet(_slots.Count);
        for (var i = 1; i <= count; i++)
        {
            var name = topic();
            var slot = _slots.Of(name);
            used.Add(slot);
            if (!bodies.TryGetValue(slot, out var events))
                bodies.Add(slot, events = []);
            events.Add(new(_head + i, Guid.NewGuid(), name, "n", null, Data, DateTimeOffset.UtcNow, null));
            _heads[slot] = _head + i;
        }
        foreach (var (slot, events) in bodies)
            await SendAsync(RelayChannels.Slot(_channel, slot), new SlotBody(page, slot, events, null));
        Bodies += bodies.Count;
        await SendAsync(RelayChannels.Pages(_channel), new PageIndex(page, ++_sent, used));
        _head += count;
    }

    /// <summary>Sends without waiting for the answer; a connection keeps the order.</summary>
    private async Task<int> SendAsync(string channel, RelayMessage message)
    {
        var bytes = _secret.Sign(_format.ToBytes(message));
        await _redis
            .GetSubscriber()
            .PublishAsync(
                new RedisChannel(channel, RedisChannel.PatternMode.Literal),
                bytes,
                CommandFlags.FireAndForget
            );
        return bytes.Length;
    }
}
