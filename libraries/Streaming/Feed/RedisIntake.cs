using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Threading.Channels;
using EventStore;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Streaming.Feed;

/// <summary>
/// Receives the Broadcaster's signed messages from the Redis servers, and hands them to the feed page by page, in
/// order, through a bounded queue. Every server delivers indexes and heartbeats, and the first copy counts; the feed
/// reads lost messages from the store.
/// </summary>
internal sealed class RedisIntake : RestartingService
{
    /// <summary>Maximum bytes of queued messages. Messages beyond it are dropped and read from the store.</summary>
    private const long MaxWaitingBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5),
        Interval = TimeSpan.FromSeconds(1);

    private readonly RedisServers _servers;
    private readonly Source[] _sources;
    private readonly SlotSubscriptions _subscriptions;
    private readonly SignedMessages _signed;
    private readonly TimeSpan _heartbeat,
        _silence,
        _bodyTimeout;
    private readonly Counter<long> _refusals;
    private readonly Channel<FeedMessage> _messages;
    private readonly Lock _gate = new();
    private readonly PageAssembly _assembly = new(MaxWaitingBytes);
    private readonly List<int> _lost = [];
    private readonly ITimer _bodyTimer;
    private readonly RelayOrder _heartbeats = new(),
        _pages = new();
    private long _waitingBytes;
    private volatile bool _refused,
        _refusing;

    public RedisIntake(
        RedisServers servers,
        SlotSubscriptions subscriptions,
        SignedMessages signed,
        IOptions<StreamingOptions> streaming,
        TimeProvider clock,
        IMeterFactory meters,
        ILogger<RedisIntake> logger
    )
        : base(logger, clock)
    {
        _servers = servers;
        _subscriptions = subscriptions;
        _signed = signed;
        _sources = [.. servers.All.Select(server => new Source(server))];
        _heartbeat = TimeSpan.FromSeconds(streaming.Value.RelayHeartbeatSeconds);
        _silence = 3 * _heartbeat;
        _bodyTimeout = TimeSpan.FromMilliseconds((double)streaming.Value.BodyMilliseconds);

        _refusals = meters
            .Create("AspireSse.StreamApi")
            .CreateCounter<long>(
                "sse.server.relay.refused",
                "{message}",
                "Messages on the Redis channel refused for a missing or wrong signature, or as repeats."
            );

        _messages = Channel.CreateBounded<FeedMessage>(
            new BoundedChannelOptions(1_024) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            dropped => Interlocked.Add(ref _waitingBytes, -dropped.Bytes)
        );
        _bodyTimer = clock.CreateTimer(
            _ =>
            {
                lock (_gate)
                    PassOn();
            },
            null,
            System.Threading.Timeout.InfiniteTimeSpan,
            System.Threading.Timeout.InfiniteTimeSpan
        );
    }

    public bool TryRead([NotNullWhen(true)] out FeedMessage? message)
    {
        if (!_messages.Reader.TryRead(out message))
            return false;
        Interlocked.Add(ref _waitingBytes, -message.Bytes);
        return true;
    }

    /// <summary>Completes when a message is queued.</summary>
    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        _messages.Reader.WaitToReadAsync(cancellationToken).AsTask();

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        TogetherAsync(
            stoppingToken,
            [
                ReadSecretAsync,
                stopped => _subscriptions.RunAsync(Take, () => Queue(new FeedMessage(Page: null)), stopped),
                .. _sources.Select(source =>
                    (Func<CancellationToken, Task>)(stopped => StaySubscribedAsync(source, stopped))
                ),
            ]
        );

    /// <summary>
    /// Subscribes, and subscribes again when heartbeats stop. The Redis client resubscribes only after reconnects that
    /// it notices, and a server can lose a subscription without one.
    /// </summary>
    private async Task StaySubscribedAsync(Source source, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                if (source.Heartbeats.IsSilent(_silence, Clock))
                {
                    await source.Server.SubscribeAsync(
                        _signed.Channel,
                        bytes => Take(source.Server, bytes, byPages: false),
                        Timeout,
                        stoppingToken
                    );
                    source.Heartbeats.Restart(Clock);
                }

                if (_subscriptions.UsesPages(_silence) && source.Pages.IsSilent(_silence, Clock))
                {
                    _subscriptions.RenewPages(source.Server);
                    source.Pages.Restart(Clock);
                }
            }
            catch (Exception e) when (e is RedisException or TimeoutException)
            {
                Logger.LogWarning(
                    "The subscription to Redis {Server} failed; retrying: {Reason}",
                    source.Server.Name,
                    e.Message
                );
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
            var isDue = !_signed.IsSecretKnown || _refused;
            _refused = false;
            try
            {
                if (isDue)
                    await _signed.ReadSecretAsync(stoppingToken);
            }
            catch (StoreUnavailableException)
            {
                _refused = true;
            }
            await Task.Delay(Interval, Clock, stoppingToken);
        }
    }

    /// <summary>Takes a message of any channel.</summary>
    /// <param name="server">The server that delivered it.</param>
    /// <param name="bytes">The signed message.</param>
    /// <param name="byPages">True if it came on the channel of the page indexes.</param>
    private void Take(RedisServer server, byte[] bytes, bool byPages)
    {
        try
        {
            if (_signed.Open(bytes) is not { } message)
            {
                // Messages are refused too while the secret is not known.
                Refuse("it is not signed with this store's secret");
                return;
            }

            lock (_gate)
                if (Accept(_sources.Single(s => s.Server == server), message, bytes.Length, byPages))
                    _refusing = false;
                else
                    _refusals.Add(1);
        }
        catch (Exception e)
        {
            Refuse(e.Message);
        }
    }

    /// <summary>Returns false for a message that the server repeats, or one of a deposed leader.</summary>
    private bool Accept(Source source, RelayMessage message, int bytes, bool byPages)
    {
        switch (message)
        {
            case SlotBody body:
                _subscriptions.BodyReceived(body.Slot);
                _assembly.Add(body, bytes);
                break;
            case Heartbeat heartbeat when !byPages:
                if (!source.Heartbeats.Accept(heartbeat.Page, heartbeat.Sent, Clock))
                    return false;
                _servers.HeartbeatFrom(source.Server, _heartbeat);
                if (!_heartbeats.Accept(heartbeat.Page, heartbeat.Sent, Clock))
                    return true; // another server's copy was first
                _servers.Compare(heartbeat.Placement);
                if (!_subscriptions.UsesPages(_heartbeat))
                    Queue(new FeedMessage(heartbeat.Page) { Heads = heartbeat.Heads });
                return true;

            case Heartbeat heartbeat:
                if (!source.Pages.Accept(heartbeat.Page, heartbeat.Sent, Clock))
                    return false;
                if (!_pages.Accept(heartbeat.Page, heartbeat.Sent, Clock))
                    return true;
                _subscriptions.IndexReceived();
                _assembly.Add(heartbeat);
                break;

            case PageIndex index when byPages:
                if (!source.Pages.Accept(index.Page, index.Sent, Clock))
                    return false;
                if (!_pages.Accept(index.Page, index.Sent, Clock))
                    return true;
                var limit = Clock.GetTimestamp() + (long)(_bodyTimeout.TotalSeconds * Clock.TimestampFrequency);
                _assembly.Add(index, _subscriptions.IndexReceived(), limit);
                break;

            default:
                return false;
        }

        PassOn();
        return true;
    }

    /// <summary>Queues the pages that are complete, and those that have waited long enough.</summary>
    private void PassOn()
    {
        while (_assembly.Next(Clock.GetTimestamp(), _subscriptions.IsUnavailable, _lost) is { } next)
        {
            foreach (var slot in _lost)
                _subscriptions.Lost(slot);
            Queue(next);
        }
        if (_assembly.IsWaiting)
            _bodyTimer.Change(_bodyTimeout, System.Threading.Timeout.InfiniteTimeSpan);
    }

    private void Queue(FeedMessage message)
    {
        if (Interlocked.Add(ref _waitingBytes, message.Bytes) <= MaxWaitingBytes)
            _messages.Writer.TryWrite(message);
        else
            Interlocked.Add(ref _waitingBytes, -message.Bytes);
    }

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

    /// <summary>A server, and the newest messages that it delivered.</summary>
    private sealed class Source(RedisServer server)
    {
        public RedisServer Server => server;

        public RelayOrder Heartbeats { get; } = new();
        public RelayOrder Pages { get; } = new();
    }
}
