using Benchmarks.Servers;
using Harness;

namespace Benchmarks.Slots;

/// <summary>A replica whose bytes from Redis are counted, and its readers.</summary>
internal sealed class SlotReplica : IAsyncDisposable
{
    private readonly StreamApiPeer _peer;
    private readonly FaultyLink _redis;
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<string> _topics = new(StringComparer.Ordinal);
    private long _start;

    private SlotReplica(StreamApiPeer peer, FaultyLink redis) => (_peer, _redis) = (peer, redis);

    /// <summary>Bytes from Redis since <see cref="Restart"/>.</summary>
    public long ReceivedSince => _redis.Received - _start;

    public static async Task<SlotReplica> StartAsync(StreamApiPeer publisher, CancellationToken cancellationToken)
    {
        var redis = publisher.System.Stores.Redis;
        var link = new FaultyLink("127.0.0.1", redis.Port);
        var peer = await publisher.StartAnotherAsync(
            new() { ["ConnectionStrings__redis"] = redis.At(link.Port) },
            cancellationToken
        );
        return new SlotReplica(peer, link);
    }

    public void Restart() => _start = _redis.Received;

    /// <summary>The topics of its readers.</summary>
    public IReadOnlySet<string> Topics => _topics;

    /// <summary>Opens a stream for each topic, and waits until the slots are subscribed.</summary>
    public async Task ReadAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken)
    {
        foreach (var topic in topics)
        {
            _topics.Add(topic);
            var stream = await _http.GetStreamAsync(_peer.Subscribe(topic), cancellationToken);
            _ = stream.CopyToAsync(Stream.Null, _stop.Token);
        }
        await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _http.Dispose();
        await _peer.DisposeAsync();
        await _redis.DisposeAsync();
        _stop.Dispose();
    }
}
