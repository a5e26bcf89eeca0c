using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Streaming.Feed;

/// <summary>
/// Receives the Broadcaster's signed pages from Redis, and hands them to the feed in order, through a bounded queue.
/// The feed reads lost pages from the store.
/// </summary>
internal sealed class RedisIntake : RestartingService
{
    /// <summary>Maximum bytes of queued pages. Pages beyond it are dropped and read from the store.</summary>
    private const long MaxWaitingBytes = 64 * 1024 * 1024;

    private const int MaxWaitingPages = 1_024;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5),
        Interval = TimeSpan.FromSeconds(1);

    private readonly RedisLink _redis;
    private readonly RelaySecret _secret;
    private readonly string _channel;
    private readonly TimeSpan _silence;
    private readonly Counter<long> _refusals,
        _gaps;
    private readonly Channel<RelayPage> _pages;
    private readonly Lock _gate = new();
    private readonly RelayOrder _order = new();
    private long _waitingBytes;
    private volatile bool _refused,
        _refusing;

    public RedisIntake(
        RedisLink redis,
        RelaySecret secret,
        IOptions<EventStoreOptions> store,
        IOptions<StreamingOptions> streaming,
        IMeterFactory meters,
        TimeProvider clock,
        ILogger<RedisIntake> logger
    )
        : base(logger, clock)
    {
        _redis = redis;
        _secret = secret;
        _channel = store.Value.Channel;
        _silence = 3 * TimeSpan.FromSeconds(streaming.Value.RelayHeartbeatSeconds);
        _pages = Channel.CreateBounded<RelayPage>(
            new BoundedChannelOptions(MaxWaitingPages)
            {
                FullMode = BoundedChannelFullMode.DropOldest,
                SingleReader = true,
            },
            dropped => Interlocked.Add(ref _waitingBytes, -dropped.Events.Length)
        );

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

    /// <summary>Raised when a subscription has begun: earlier pages were not received.</summary>
    public event Action? Subscribed;

    public bool TryRead([NotNullWhen(true)] out RelayPage? page)
    {
        if (!_pages.Reader.TryRead(out page))
            return false;

        Interlocked.Add(ref _waitingBytes, -page.Events.Length);
        return true;
    }

    /// <summary>Completes when a page is queued.</summary>
    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        _pages.Reader.WaitToReadAsync(cancellationToken).AsTask();

    /// <summary>Counts a page before which one was lost.</summary>
    public void CountGap() => _gaps.Add(1);

    /// <summary>Refuses a page that was queued.</summary>
    public void Refuse(string reason)
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

    protected override Task RunAsync(CancellationToken stoppingToken)
    {
        // Prometheus sees the first increase of a counter only if it was 0 before.
        _gaps.Add(0);
        return TogetherAsync(stoppingToken, ReadSecretAsync, StaySubscribedAsync);
    }

    /// <summary>
    /// Subscribes, and subscribes again when heartbeats stop. The Redis client resubscribes only after reconnects that
    /// it notices, and a server can lose a subscription without one.
    /// </summary>
    private async Task StaySubscribedAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                if (_order.IsSilent(_silence, Clock))
                {
                    await _redis.SubscribeAsync(_channel, Take, Timeout, stoppingToken);
                    _order.Restart(Clock);
                    Subscribed?.Invoke();
                }
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                Logger.LogWarning("The subscription to Redis failed; retrying: {Reason}", e.Message);
            }

            await Task.Delay(Interval, Clock, stoppingToken);
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

            await Task.Delay(Interval, Clock, stoppingToken);
        }
    }

    /// <summary>Takes a message. When a subscription is repeated, the former one may still bring some.</summary>
    private void Take(byte[] bytes)
    {
        // Messages are refused too while the secret is not known.
        if (_secret.Open(bytes) is not { } message)
        {
            Refuse("it is not signed with this store's secret");
            return;
        }

        try
        {
            Queue(RelayFormat.Parse(message));
        }
        catch (Exception e)
        {
            Refuse(e.Message);
        }
    }

    /// <summary>Queues a page, unless it is a repetition or of a deposed leader, or there is no room.</summary>
    private void Queue(RelayPage page)
    {
        lock (_gate)
        {
            if (!_order.Accept(page, Clock))
            {
                _refusals.Add(1);
                return;
            }

            _refusing = false;
            if (Interlocked.Add(ref _waitingBytes, page.Events.Length) <= MaxWaitingBytes)
                _pages.Writer.TryWrite(page);
            else
                Interlocked.Add(ref _waitingBytes, -page.Events.Length);
        }
    }
}
