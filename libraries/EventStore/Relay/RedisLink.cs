using System.Diagnostics.Metrics;
using EventStore;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace AspireSse.Server;

/// <summary>The connection to the Redis server or cluster of the relay's messages and the shared limits. Each of its
/// requests has a timeout. Thread-safe; messages keep the order of the calls.</summary>
/// <remarks>Needed only by a host with Redis commands of its own on the relay's connection, such as StreamApi for its
/// shared limits. The client itself drops a connection that is open but dead, and subscribes again on the next one
/// (<see cref="Microsoft.Extensions.Hosting.RelayRedis.Defaults"/>).</remarks>
public sealed class RedisLink
{
    /// <summary>Rare beside messages that need haste, and short beside the time in which Redis counts as
    /// lost.</summary>
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(100);

    private readonly Func<IConnectionMultiplexer> _open;
    private readonly TimeProvider _clock;
    private readonly ILogger<RedisLink> _logger;
    private readonly Lock _gate = new();
    private Task<IConnectionMultiplexer>? _opening;
    private volatile bool _isRefusing;
    private long _asked;
    private int _isProbing;

    /// <param name="open">Opens the connection. It may block.</param>
    internal RedisLink(
        Func<IConnectionMultiplexer> open,
        TimeProvider clock,
        IMeterFactory meters,
        ILogger<RedisLink> logger
    )
    {
        _open = open;
        _clock = clock;
        _logger = logger;
        meters
            .Create("AspireSse.EventStore")
            .CreateObservableGauge(
                "relay.redis.available",
                () => IsAvailable ? 1 : 0,
                "{server}",
                "1 while Redis is connected and accepts messages."
            );
    }

    /// <summary>True while Redis is connected, and has accepted the last message.</summary>
    internal bool IsAvailable => !_isRefusing && IsConnected;

    internal bool IsConnected => IsOpen && _opening!.Result.IsConnected;

    /// <summary>True once <see cref="OpenAsync"/> has completed, whether Redis is connected or not; before that,
    /// requests wait for it.</summary>
    private bool IsOpen => Volatile.Read(ref _opening) is { IsCompletedSuccessfully: true };

    /// <summary>Opens the connection once; the application's own commands may use it. The task completes even if Redis
    /// does not answer: the client keeps trying, and its commands fail after 1.25 s.</summary>
    /// <param name="cancellationToken">Ends the wait; the connection opens nevertheless.</param>
    public Task<IConnectionMultiplexer> OpenAsync(CancellationToken cancellationToken = default) =>
        Opening().WaitAsync(cancellationToken);

    private Task<IConnectionMultiplexer> Opening()
    {
        if (Volatile.Read(ref _opening) is { IsFaulted: false } opening)
            return opening;

        lock (_gate)
        {
            if (_opening is null or { IsFaulted: true })
                Volatile.Write(ref _opening, OpenOnOwnThread());
            return _opening!;
        }
    }

    /// <summary>Sends a command and waits for its answer.</summary>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    internal Task<T> AskAsync<T>(
        Func<IDatabase, Task<T>> command,
        TimeSpan timeout,
        CancellationToken cancellationToken
    ) => RequestAsync(redis => command(redis.GetDatabase()), timeout, cancellationToken);

    /// <summary>Publishes a message. After a message that Redis did not take in time, the next one probes Redis in the
    /// background and others are dropped meanwhile: receivers read their events from the store.</summary>
    /// <returns>False if the message was not taken, or probes Redis.</returns>
    internal Task<bool> PublishAsync(
        string channel,
        byte[] message,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        if (!_isRefusing)
            return SendAsync(channel, message, timeout, cancellationToken);

        if (Interlocked.Exchange(ref _isProbing, 1) == 0)
            _ = ProbeAsync(channel, message, timeout, cancellationToken);
        return Task.FromResult(false);
    }

    /// <summary>Publishes a message as <see cref="PublishAsync"/> does, but asks only now and then if Redis takes it:
    /// an answer costs as much as the message.</summary>
    internal void Post(string channel, byte[] message, TimeSpan timeout)
    {
        var isAsked = _isRefusing || !IsOpen || _clock.GetElapsedTime(Volatile.Read(ref _asked)) >= AskInterval;
        if (isAsked)
        {
            Volatile.Write(ref _asked, _clock.GetTimestamp());
            _ = PublishAsync(channel, message, timeout, CancellationToken.None);
            return;
        }

        try
        {
            var redis = _opening!.Result;
            _ = redis.GetSubscriber().PublishAsync(ChannelOf(redis, channel), message, CommandFlags.FireAndForget);
        }
        catch (Exception e) when (e is RedisException or ObjectDisposedException)
        { /* the next one that is asked tells it */
        }
    }

    /// <summary>Subscribes to a channel and waits for the server's confirmation; a repetition first ends the former
    /// subscription. Messages come one at a time, in the order in which the server sent them.</summary>
    /// <exception cref="RedisException">The server refused, or cannot be reached.</exception>
    /// <exception cref="TimeoutException">The server did not answer in time.</exception>
    internal async Task SubscribeAsync(
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
            // It is not known yet if Redis is a cluster, which has sharded channels.
            if (!redis.IsConnected)
                throw new TimeoutException("Redis is not connected.");

            var subscriber = redis.GetSubscriber();
            var name = ChannelOf(redis, channel);
            await subscriber.UnsubscribeAsync(name);

            // A later call may have subscribed meanwhile.
            return Volatile.Read(ref isLate) ? throw new TimeoutException() : await subscriber.SubscribeAsync(name);
        }
    }

    private Task<IConnectionMultiplexer> OpenOnOwnThread()
    {
        using var apart = CallerContext.Suppress();
        return Task.Factory.StartNew(
            _open,
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default
        );
    }

    private async Task<bool> SendAsync(
        string channel,
        byte[] message,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await RequestAsync(
                redis => redis.GetSubscriber().PublishAsync(ChannelOf(redis, channel), message),
                timeout,
                cancellationToken
            );
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            if (!_isRefusing)
                _logger.LogWarning(
                    "Redis does not accept messages, so stream servers read the store until it does: {Reason}",
                    e.Message
                );

            _isRefusing = true;
            return false;
        }

        if (_isRefusing)
            _logger.LogInformation("Redis accepts messages again");

        _isRefusing = false;
        return true;
    }

    private async Task ProbeAsync(string channel, byte[] message, TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(channel, message, timeout, cancellationToken);
        }
        catch (OperationCanceledException) { }
        finally
        {
            Volatile.Write(ref _isProbing, 0);
        }
    }

    private async Task<T> RequestAsync<T>(
        Func<IConnectionMultiplexer, Task<T>> request,
        TimeSpan timeout,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var answer = Opening() is { IsCompletedSuccessfully: true } open ? request(open.Result) : OpenedAsync();
            return await answer.WaitAsync(timeout, _clock, cancellationToken);
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            throw;
        }
        // A request on a connection that is closed ends with an exception of its socket or pipe.
        catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
        {
            throw new TimeoutException("The connection was closed.", e);
        }

        async Task<T> OpenedAsync() => await request(await Opening());
    }

    /// <summary>Returns a channel of sharded pub/sub (Redis 7) on a cluster, where messages of other channels go to all
    /// nodes.</summary>
    private static RedisChannel ChannelOf(IConnectionMultiplexer redis, string name)
    {
        foreach (var endpoint in redis.GetEndPoints())
            if (redis.GetServer(endpoint).ServerType == ServerType.Cluster)
                return RedisChannel.Sharded(name);
        return RedisChannel.Literal(name);
    }
}
