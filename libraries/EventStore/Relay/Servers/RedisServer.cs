using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace EventStore;

/// <summary>
/// One Redis server, or one Redis Cluster. Everything here has a timeout, and none of it waits for a server that is
/// known to be unavailable. Thread-safe; messages to one channel keep the order of the calls.
/// </summary>
/// <remarks>The client itself leaves a connection that is open and dead, and repeats its subscriptions on the next one
/// (<see cref="Microsoft.Extensions.Hosting.RelayRedis.Defaults"/>).</remarks>
public sealed class RedisServer
{
    /// <summary>Time without an answer after which the other servers' messages no longer wait for this one.</summary>
    private static readonly TimeSpan LateAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>Time without a message after which a range no longer counts as refusing: without messages nothing would
    /// show that it is back.</summary>
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromSeconds(5);

    /// <summary>Number of ranges of a cluster's hash slots. A node that fails silently affects only its own.</summary>
    public const int HashRanges = 64;

    private const int HashSlots = 16_384,
        MaxUnanswered = 4_096;
    private const long MaxUnansweredBytes = 32 * 1024 * 1024;

    private static readonly Task<bool> Accepted = Task.FromResult(true),
        Refused = Task.FromResult(false);

    private readonly Func<IConnectionMultiplexer> _open;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private Task<IConnectionMultiplexer>? _opening;
    private readonly PublishRange[] _ranges = [.. Enumerable.Range(0, HashRanges).Select(_ => new PublishRange())];
    private long _unansweredBytes;
    private int _unanswered,
        _refusing;
    private volatile bool _isSilent;
    private Kind _kind;

    /// <param name="name">The server's <see cref="Name"/>.</param>
    /// <param name="open">Opens the connection. It may block.</param>
    /// <param name="clock">The clock.</param>
    /// <param name="logger">The log.</param>
    internal RedisServer(string name, Func<IConnectionMultiplexer> open, TimeProvider clock, ILogger logger)
    {
        Name = name;
        _open = open;
        _clock = clock;
        _logger = logger;
    }

    /// <summary>Host and port of the server, or of the first node that the connection string names.</summary>
    public string Name { get; }

    /// <summary>True if the server, or a node of the cluster, accepts no messages, or if the server delivers none while
    /// others do.</summary>
    public bool IsUnavailable => Volatile.Read(ref _refusing) > 0 || _isSilent || Connection is { IsConnected: false };

    /// <summary>The connection; null while it is opened. It may be open and not connected.</summary>
    public IConnectionMultiplexer? Connection =>
        Volatile.Read(ref _opening) is { IsCompletedSuccessfully: true } opened ? opened.Result : null;

    /// <summary>True if messages can use other servers meanwhile.</summary>
    internal bool HasPeers { get; set; }

    /// <summary>Timestamp of the newest heartbeat received through this server.</summary>
    internal long HeartbeatAt { get; set; }

    /// <summary>Opens the connection, once. Completes without an answer too; the client keeps trying.</summary>
    public Task<IConnectionMultiplexer> OpenAsync()
    {
        if (Volatile.Read(ref _opening) is { IsFaulted: false } opening)
            return opening;

        lock (_gate)
        {
            // On a thread of its own, because opening blocks.
            if (_opening is null or { IsFaulted: true })
                Volatile.Write(
                    ref _opening,
                    Task.Factory.StartNew(
                        _open,
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                );
            return _opening;
        }
    }

    /// <summary>Returns the range of a channel's or key's hash slot on a cluster; 0 on another server.</summary>
    public int RangeOf(string channelOrKey) =>
        Connection is { } redis && IsCluster(redis)
            ? Math.Max(0, redis.HashSlot(channelOrKey)) * HashRanges / HashSlots
            : 0;

    /// <summary>Sends a command and waits for its answer.</summary>
    /// <param name="command">Sends the command.</param>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public Task<T> AskAsync<T>(
        Func<IDatabase, Task<T>> command,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) => RequestAsync(redis => command(redis.GetDatabase()), timeout, cancellationToken);

    /// <summary>
    /// Publishes a message. If the connection is open, it has taken the message when this returns. While the server or
    /// the cluster's node is unavailable, one message at a time finds out whether it is back, and the others are
    /// dropped: receivers read them from the store.
    /// </summary>
    /// <returns>False if the message was not taken in time. A late server or node that has others beside it is not
    /// waited for: its message is on the way, and the result is true.</returns>
    public Task<bool> PublishAsync(
        string channel,
        byte[] message,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        if (_unanswered > MaxUnanswered || Volatile.Read(ref _unansweredBytes) > MaxUnansweredBytes)
            return Refused;
        var part = RangeOf(channel);
        var range = _ranges[part];
        // Last, because only a message that is sent ends the probe.
        var isProbe = Volatile.Read(ref range.IsRefusing) == 1;
        if (isProbe && Interlocked.Exchange(ref range.IsProbing, 1) == 1)
            return Refused;
        var isLate = range.Unanswered > 0 && _clock.GetElapsedTime(Volatile.Read(ref range.AnsweredAt)) > LateAfter;
        var sending = SendAsync(channel, message, part, timeout, isProbe, cancellationToken);
        return (!HasPeers && _kind is not Kind.Cluster) || sending.IsCompleted ? sending
            : isLate || isProbe ? Accepted
            : PromptlyAsync(sending);
    }

    /// <summary>Subscribes to a channel, and completes when the server has confirmed it. Repeating it ends the former
    /// subscription first. Messages come one at a time, in the order in which the server sent them.</summary>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public async Task SubscribeAsync(
        string channel,
        Action<byte[]> handler,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var isLate = false;
        try
        {
            // OnMessage queues messages. Handlers passed to SubscribeAsync run in no fixed order.
            var messages = await RequestAsync(BeginAsync, timeout, cancellationToken);
            messages.OnMessage(message => handler((byte[]?)message.Message ?? []));
        }
        finally
        {
            Volatile.Write(ref isLate, true);
        }

        async Task<ChannelMessageQueue> BeginAsync(IConnectionMultiplexer redis)
        {
            var subscriber = redis.GetSubscriber();
            var name = ChannelOf(redis, channel);
            await subscriber.UnsubscribeAsync(name);
            // A repetition may have subscribed meanwhile.
            return Volatile.Read(ref isLate) ? throw new TimeoutException() : await subscriber.SubscribeAsync(name);
        }
    }

    /// <summary>Ends a subscription.</summary>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    public Task UnsubscribeAsync(string channel, TimeSpan timeout, CancellationToken cancellationToken) =>
        RequestAsync(
            async redis =>
            {
                await redis.GetSubscriber().UnsubscribeAsync(ChannelOf(redis, channel));
                return true;
            },
            timeout,
            cancellationToken
        );

    /// <summary>Records whether heartbeats come through the server while they come through others.</summary>
    internal void SetSilent(bool isSilent)
    {
        if (isSilent == _isSilent)
            return;
        _isSilent = isSilent;
        if (isSilent)
            _logger.LogWarning("No heartbeats come through Redis {Server}, although they come through others", Name);
        else
            _logger.LogInformation("Heartbeats come through Redis {Server} again", Name);
    }

    /// <summary>Uses sharded pub/sub (Redis 7) on a cluster. Otherwise the cluster sends each message to all
    /// nodes.</summary>
    private RedisChannel ChannelOf(IConnectionMultiplexer redis, string name) =>
        IsCluster(redis) ? RedisChannel.Sharded(name) : new RedisChannel(name, RedisChannel.PatternMode.Literal);

    private bool IsCluster(IConnectionMultiplexer redis)
    {
        if (_kind is Kind.Unknown && redis.IsConnected)
            _kind = redis.GetEndPoints().Any(e => redis.GetServer(e).ServerType == ServerType.Cluster)
                ? Kind.Cluster
                : Kind.Server;
        return _kind is Kind.Cluster;
    }

    private async Task<T> RequestAsync<T>(
        Func<IConnectionMultiplexer, Task<T>> request,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        var answer = SendAsync();
        try
        {
            return await answer.WaitAsync(timeout, _clock, cancellationToken);
        }
        catch (Exception e) when (e is not (RedisException or TimeoutException) && IsFailure(e, cancellationToken))
        {
            throw new TimeoutException("The connection was closed.", e);
        }

        async Task<T> SendAsync() => await request(await OpenAsync());
    }

    /// <summary>Returns true for everything but a requested cancellation: what was under way on a connection that is
    /// closed ends with exceptions of its sockets and pipes.</summary>
    private static bool IsFailure(Exception e, CancellationToken requested) =>
        !(e is OperationCanceledException && requested.IsCancellationRequested);

    private async Task<bool> SendAsync(
        string channel,
        byte[] message,
        int part,
        TimeSpan timeout,
        bool isProbe,
        CancellationToken cancellationToken
    )
    {
        var range = _ranges[part];
        if (Interlocked.Increment(ref range.Unanswered) == 1)
            Volatile.Write(ref range.AnsweredAt, _clock.GetTimestamp());
        Interlocked.Increment(ref _unanswered);
        Interlocked.Add(ref _unansweredBytes, message.Length);
        try
        {
            var redis = await OpenAsync().WaitAsync(timeout, _clock, cancellationToken);
            await redis
                .GetSubscriber()
                .PublishAsync(ChannelOf(redis, channel), message)
                .WaitAsync(timeout, _clock, cancellationToken);

            Accepts(range);
            if (Volatile.Read(ref _refusing) > 0)
                foreach (var other in _ranges)
                    if (other.Unanswered == 0 && _clock.GetElapsedTime(other.AnsweredAt) > ForgetAfter)
                        Accepts(other);
            return true;
        }
        catch (Exception e) when (IsFailure(e, cancellationToken))
        {
            if (Interlocked.Exchange(ref range.IsRefusing, 1) == 0 && Interlocked.Increment(ref _refusing) == 1)
                _logger.LogWarning(
                    "Redis {Server} does not accept messages, so stream servers read the store until it does: {Reason}",
                    Name,
                    e.Message
                );
            return false;
        }
        finally
        {
            Interlocked.Decrement(ref range.Unanswered);
            Interlocked.Decrement(ref _unanswered);
            Interlocked.Add(ref _unansweredBytes, -message.Length);
            Volatile.Write(ref range.AnsweredAt, _clock.GetTimestamp());
            if (isProbe)
                Volatile.Write(ref range.IsProbing, 0);
        }
    }

    private void Accepts(PublishRange range)
    {
        if (Interlocked.Exchange(ref range.IsRefusing, 0) == 1 && Interlocked.Decrement(ref _refusing) == 0)
            _logger.LogInformation("Redis {Server} accepts messages again", Name);
    }

    private async Task<bool> PromptlyAsync(Task<bool> sending)
    {
        try
        {
            return await sending.WaitAsync(LateAfter, _clock);
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    private enum Kind
    {
        Unknown,
        Server,
        Cluster,
    }

    /// <summary>The messages to a range of hash slots.</summary>
    private sealed class PublishRange
    {
        public long AnsweredAt;
        public int Unanswered,
            IsProbing,
            IsRefusing;
    }
}
