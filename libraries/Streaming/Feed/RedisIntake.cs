using System.Diagnostics.Metrics;
using System.Text.Json;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Streaming.Feed;

/// <summary>
/// What comes from Redis, in order, and only what the Broadcaster has signed. Bounded: a feed that cannot keep up loses
/// messages, finds
/// the gap and reads it from the store. Redis loses, doubles and delays as it likes; nothing here trusts it.
/// </summary>
internal sealed class RedisIntake : RestartingService
{
    /// <summary>Most bytes of messages that wait; what comes beyond is lost, and read from the store.</summary>
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
    private long _heardAt = long.MinValue / 2,
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
                "Messages on the Redis channel that the Broadcaster did not sign, or that were repeated."
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

    /// <summary>Until a message waits.</summary>
    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        _messages.Reader.WaitToReadAsync(cancellationToken).AsTask();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        TogetherAsync(stoppingToken, KnowSecretAsync, StaySubscribedAsync);

    private async Task StaySubscribedAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                if (_clock.GetElapsedTime(Volatile.Read(ref _heardAt)) >= _silence)
                    await SubscribeAsync(stoppingToken);
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                Logger.LogWarning("Redis does not take the subscription, trying again: {Reason}", e.Message);
            }
            await Task.Delay(Interval, _clock, stoppingToken);
        }
    }

    /// <summary>Where something was refused it may be the secret that has changed: the store was restored, or an
    /// operator set another.</summary>
    private async Task KnowSecretAsync(CancellationToken stoppingToken)
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
    /// The client subscribes again after every reconnect that it notices. Where nothing comes although the Broadcaster
    /// should beat, the subscription is
    /// made anew: what the client holds for subscribed need not be so on the server.
    /// </summary>
    private async Task SubscribeAsync(CancellationToken stoppingToken)
    {
        var subscriber = _redis.Value.GetSubscriber();
        await subscriber.UnsubscribeAsync(_channel).WaitAsync(Timeout, stoppingToken);
        // A queue: handlers given to SubscribeAsync itself run in no order.
        var messages = await subscriber.SubscribeAsync(_channel).WaitAsync(Timeout, stoppingToken);
        messages.OnMessage(message => Take(message.Message));
        Volatile.Write(ref _heardAt, _clock.GetTimestamp());
    }

    private void Take(RedisValue value)
    {
        var bytes = (byte[]?)value ?? [];
        try
        {
            if (_secret.Open(bytes) is not { } signed)
            {
                // Also while the secret has not been read: nothing is believed then.
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
            Volatile.Write(ref _heardAt, _clock.GetTimestamp());
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

    /// <summary>A deposed leader's too. Of another epoch it may begin anew: the feed asks the store.</summary>
    private bool IsRepeated(RelayMessage message) =>
        message.Epoch == _epoch && (message.Fence < _fence || (message.Fence == _fence && message.Sent <= _sent));

    private void Refuse(string reason)
    {
        _refused = true;
        _refusals.Add(1);
        if (!_refusing)
            Logger.LogWarning(
                "A message on the Redis channel is refused, and those like it after it: {Reason}",
                reason
            );
        _refusing = true;
    }
}
