// Stands in for types that StackExchange.Redis has since 2.0. Not affiliated with its authors.
using System.Threading.Channels;

namespace StackExchange.Redis;

/// <summary>A message of a subscribed channel or pattern.</summary>
public readonly struct ChannelMessage
{
    private readonly ChannelMessageQueue _queue;

    internal ChannelMessage(ChannelMessageQueue queue, RedisChannel channel, RedisValue message) =>
        (_queue, Channel, Message) = (queue, channel, message);

    public RedisChannel SubscriptionChannel => _queue.Channel;

    public RedisChannel Channel { get; }

    public RedisValue Message { get; }
}

/// <summary>The messages of a subscription, one at a time, in the order in which Redis sent them.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Naming", "CA1711", Justification = "The name in 2.x")]
public sealed class ChannelMessageQueue
{
    private readonly Channel<ChannelMessage> _queue =
        System.Threading.Channels.Channel.CreateUnbounded<ChannelMessage>();
    private readonly ISubscriber _subscriber;
    private int _hasHandler;

    internal ChannelMessageQueue(ISubscriber subscriber, RedisChannel channel) =>
        (_subscriber, Channel) = (subscriber, channel);

    public RedisChannel Channel { get; }

    public Task Completion => _queue.Reader.Completion;

    public ValueTask<ChannelMessage> ReadAsync(CancellationToken cancellationToken = default) =>
        _queue.Reader.ReadAsync(cancellationToken);

    public bool TryRead(out ChannelMessage item) => _queue.Reader.TryRead(out item);

    public void OnMessage(Action<ChannelMessage> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        OnMessage(message =>
        {
            handler(message);
            return Task.CompletedTask;
        });
    }

    public void OnMessage(Func<ChannelMessage, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (Interlocked.Exchange(ref _hasHandler, 1) == 1)
            throw new InvalidOperationException("Only a single OnMessage is allowed");
        _ = Task.Run(() => HandleAsync(handler));
    }

    public async Task UnsubscribeAsync(CommandFlags flags = CommandFlags.None)
    {
        await _subscriber.UnsubscribeAsync(Channel, Write, flags).ConfigureAwait(false);
        _queue.Writer.TryComplete();
    }

    internal void Write(RedisChannel channel, RedisValue message) =>
        _queue.Writer.TryWrite(new ChannelMessage(this, channel, message));

    private async Task HandleAsync(Func<ChannelMessage, Task> handler)
    {
        await foreach (var message in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                await handler(message).ConfigureAwait(false);
            }
            catch
            { /* as 2.x does: a handler that throws loses its message, not its subscription */
            }
        }
    }
}

/// <summary>Adds the overload that <see cref="ISubscriber"/> itself has in 2.x.</summary>
public static class ChannelMessageQueueExtensions
{
    public static async Task<ChannelMessageQueue> SubscribeAsync(
        this ISubscriber subscriber,
        RedisChannel channel,
        CommandFlags flags = CommandFlags.None
    )
    {
        ArgumentNullException.ThrowIfNull(subscriber);
        // 1.2.6 keeps order only for a whole connection.
        subscriber.Multiplexer.PreserveAsyncOrder = true;
        var queue = new ChannelMessageQueue(subscriber, channel);
        await subscriber.SubscribeAsync(channel, queue.Write, flags).ConfigureAwait(false);
        return queue;
    }
}
