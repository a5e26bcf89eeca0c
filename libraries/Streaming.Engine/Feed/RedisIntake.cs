using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;
using Streaming.Metrics;

namespace Streaming.Feed;

/// <summary>Receives the signed pages of the Broadcaster, for the feed, and of other replicas from Redis.</summary>
internal sealed class RedisIntake : RestartingService, ILiveSource
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Time between warnings of refused messages: another system on this Redis sends one each heartbeat.
    /// </summary>
    private static readonly TimeSpan WarningInterval = TimeSpan.FromMinutes(10);

    private readonly RelayChannels _channels;
    private readonly RelaySecret _secret;
    private readonly DirectPages _direct;
    private readonly TimeSpan _resubscribe;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _gaps;
    private readonly RelayQueue _queue;
    private readonly LogPause _warnings;
    private volatile bool _refused;

    public RedisIntake(
        RelayChannels channels,
        RelaySecret secret,
        DirectPages direct,
        IOptions<SseOptions> streaming,
        IMeterFactory meters,
        TimeProvider clock,
        ILogger<RedisIntake> logger
    )
        : base(logger, clock)
    {
        _channels = channels;
        _secret = secret;
        _direct = direct;
        Silence = TimeSpan.FromSeconds(streaming.Value.RelayHeartbeatSeconds);
        _resubscribe = 3 * TimeSpan.FromSeconds(streaming.Value.RelayHeartbeatSeconds);
        _queue = new RelayQueue(clock);
        _warnings = new LogPause(clock, WarningInterval);

        var meter = meters.Create("AspireSse.StreamApi");
        _refusals = meter.CreateCounter<long>(
            "sse.server.relay.refused",
            "{message}",
            "Messages on the Redis channel refused for a missing or wrong signature, or as repeats."
        );

        _gaps = meter.CreateCounter<long>(
            "sse.server.relay.gaps",
            "{page}",
            "Relayed pages after which the store is read, because one before them was lost."
        );
    }

    public TimeSpan? Silence { get; }

    public bool TryRead([NotNullWhen(true)] out RelayPage? page) => _queue.TryRead(out page);

    public Task WaitToReadAsync(CancellationToken cancellationToken) => _queue.WaitToReadAsync(cancellationToken);

    public void CountGap() => _gaps.Add(1);

    public void Refuse(string reason)
    {
        _refused = true;
        _refusals.Add(1);

        // While the secret is unknown, every message is refused.
        if (_secret.IsKnown && _warnings.IsOver())
            Logger.LogWarning(
                "A message on the Redis channel {Channel} was refused: {Reason}. Further ones are only counted, for "
                    + "{Minutes} minutes. Two systems on one Redis need a channel each (AspireSse:EventStore:Channel)",
                _channels.Relayed,
                reason,
                WarningInterval.TotalMinutes
            );
    }

    protected override Task RunAsync(CancellationToken stoppingToken)
    {
        // Prometheus sees the first increase of a counter only if it was 0 before.
        _gaps.Add(0);
        return TogetherAsync(stoppingToken, ReadSecretAsync, StaySubscribedAsync);
    }

    /// <summary>Subscribes again when heartbeats stop: the Redis client does so only after reconnects that it notices,
    /// and a server can lose a subscription without a reconnect.</summary>
    private async Task StaySubscribedAsync(CancellationToken stoppingToken)
    {
        for (var isFailing = false; ; )
        {
            try
            {
                if (_queue.IsSilent(_resubscribe))
                {
                    await _channels.SubscribeAsync(_channels.Relayed, Take, Refuse, Timeout, stoppingToken);
                    await _channels.SubscribeAsync(_channels.Direct, _direct.Take, Refuse, Timeout, stoppingToken);
                    _queue.RestartTime();
                }
                else
                    isFailing = false;
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                if (!isFailing)
                    Logger.LogWarning(
                        "The subscription to Redis failed, and is tried each second until it works: {Reason}",
                        e.Message
                    );

                isFailing = true;
            }

            await Task.Delay(Interval, Clock, stoppingToken);
        }
    }

    /// <summary>Reads the secret again after a refused message: a restore or an operator may have changed it.</summary>
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

            await Task.Delay(Interval, Clock, stoppingToken);
        }
    }

    private void Take(RelayPage page)
    {
        if (!_queue.Accept(page))
            _refusals.Add(1);
    }
}
