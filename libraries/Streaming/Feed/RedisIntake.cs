using System.Diagnostics.Metrics;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Streaming.Feed;

/// <summary>
/// Receives the Broadcaster's signed messages from Redis, in order. The queue is bounded: Redis or a slow feed may lose
/// messages, and the feed reads the gap from the store.
/// </summary>
internal sealed class RedisIntake : RestartingService
{
    /// <summary>Maximum bytes of queued messages. Messages beyond it are dropped and read from the store.</summary>
    private const long MaxWaitingBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5),
        Interval = TimeSpan.FromSeconds(1);

    private readonly Lazy<IConnectionMultiplexer> _redis;
    private readonly RelaySecret _secret;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _silence;
    private readonly RedisChannel _channel;
    private readonly Counter<long> _refusals;
    private readonly Channel<(RelayMessage Message, int Bytes)> _messages;
    private long _receivedAt = long.MinValue / 2,
        _waitingBytes,
        _fence,
        _sent;
    private string _epoch = "";
    private volatile bool _refused,
        _refusing;

    public RedisIntake(
        Lazy<IConnectionMultiplexer> redis,
        RelaySecret secret,
        IOptions<EventStoreOptions> store,
        IOptions<StreamingOptions> streaming,
        TimeProvider clock,
        IMeterFactory meters,
        ILogger<RedisIntake> logger
    )
        : base(logger)
    {
        (_redis, _secret, _clock) = (redis, secret, clock);
        _silence = TimeSpan.FromSeconds(3 * streaming.Value.RelayHeartbeatSeconds);
        _channel = new RedisChannel(store.Value.Channel, RedisChannel.PatternMode.Literal);
        _refusals = meters
            .Create("AspireSse.StreamApi")
            .CreateCounter<long>(
                "sse.server.relay.refused",
                "{message}",
                "Messages on the Redis channel refused for a missing or wrong signature, or as repeats."
            );
        _messages = Channel.CreateBounded<(RelayMessage Message, int Bytes)>(
            new BoundedChannelOptions(1_024) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            dropped => Interlocked.Add(ref _waitingBytes, -dropped.Bytes)
        );
    }

    public bool TryRead(out RelayMessage message)
    {
        var read = _messages.Reader.TryRead(out var waiting);
        Interlocked.Add(ref _waitingBytes, -waiting.Bytes);
        message = waiting.Message;
        return read;
    }

    /// <summary>Completes when a message is queued.</summary>
    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        _messages.Reader.WaitToReadAsync(cancellationToken).AsTask();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        TogetherAsync(stoppingToken, ReadSecretAsync, StaySubscribedAsync);

    private async Task StaySubscribedAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                if (_clock.GetElapsedTime(Volatile.Read(ref _receivedAt)) >= _silence)
                    await SubscribeAsync(stoppingToken);
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                Logger.LogWarning("The subscription to Redis failed; retrying: {Reason}", e.Message);
            }
            await Task.Delay(Interval, _clock, stoppingToken);
        }
    }

    /// <summary>
    /// Reads the secret at the start, and again after a refused message: a restore or an operator may have changed it.
    /// </summary>
    private async Task ReadSecretAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var isDue = !_secret.IsKnown || _refused;
            _refused = false;
            try
            {
                if (isDue)
                    await _secret.ReadAsync(stoppingToken);
            }
            catch (StoreUnavailableException)
            {
                _refused = true;
            }
            await Task.Delay(Interval, _clock, stoppingToken);
        }
    }

    /// <summary>
    /// Subscribes again after a silence in which the Broadcaster should have sent heartbeats. The client resubscribes
    /// after reconnects that it notices, but the server may have lost the subscription without one.
    /// </summary>
    private async Task SubscribeAsync(CancellationToken stoppingToken)
    {
        var subscriber = _redis.Value.GetSubscriber();
        await subscriber.UnsubscribeAsync(_channel).WaitAsync(Timeout, stoppingToken);
        // OnMessage queues messages. Handlers passed to SubscribeAsync run in no fixed order.
        var messages = await subscriber.SubscribeAsync(_channel).WaitAsync(Timeout, stoppingToken);
        messages.OnMessage(message => Take(message.Message));
        Volatile.Write(ref _receivedAt, _clock.GetTimestamp());
    }

    private void Take(RedisValue value)
    {
        var bytes = (byte[]?)value ?? [];
        try
        {
            if (_secret.Open(bytes) is not { } signed)
            {
                // Messages are refused too while the secret is not known.
                Refuse("it is not signed with this store's secret");
                return;
            }
            var message = RelayMessage.Parse(signed);
            if (IsRepeated(message))
            {
                _refusals.Add(1);
                return;
            }
            (_epoch, _fence, _sent, _refusing) = (message.Epoch, message.Fence, message.Sent, false);
            Volatile.Write(ref _receivedAt, _clock.GetTimestamp());
            if (Interlocked.Add(ref _waitingBytes, bytes.Length) <= MaxWaitingBytes)
                _messages.Writer.TryWrite((message, bytes.Length));
            else
                Interlocked.Add(ref _waitingBytes, -bytes.Length);
        }
        catch (Exception e)
        {
            Refuse(e.Message);
        }
    }

    /// <summary>
    /// Returns true for a repeated message, or one of a deposed leader. Another epoch may restart the counters; the
    /// feed then asks the store.
    /// </summary>
    private bool IsRepeated(RelayMessage message) =>
        message.Epoch == _epoch && (message.Fence < _fence || (message.Fence == _fence && message.Sent <= _sent));

    private void Refuse(string reason)
    {
        _refused = true;
        _refusals.Add(1);
        if (!_refusing)
            Logger.LogWarning(
                "A message on the Redis channel was refused (logged once until a valid one comes): {Reason}",
                reason
            );
        _refusing = true;
    }
}
