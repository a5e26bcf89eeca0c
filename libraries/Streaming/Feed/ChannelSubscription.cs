using EventStore;

namespace Streaming.Feed;

/// <summary>The subscription to one channel. Thread-safe.</summary>
/// <param name="server">The server that carries the channel.</param>
/// <param name="name">The channel.</param>
/// <param name="take">Receives the messages, in their order.</param>
/// <param name="changed">Called after a change: true if the channel is subscribed, and the reason if that has
/// failed.</param>
/// <param name="clock">The clock.</param>
internal sealed class ChannelSubscription(
    RedisServer server,
    string name,
    Action<byte[]> take,
    Action<bool, Exception?> changed,
    TimeProvider clock
)
{
    /// <summary>Consecutive lost messages after which the server may have forgotten the subscription.</summary>
    private const int MaxLost = 3;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private volatile State _state;
    private volatile bool _isNeeded;
    private bool _isStale;
    private long _neededAt;
    private int _lost;

    private enum State
    {
        None,

        /// <summary>A change has failed, and may still take effect: a slow server confirms late.</summary>
        Unknown,

        /// <summary>Redis has not confirmed the change yet.</summary>
        Changing,

        /// <summary>Redis has confirmed. Bodies of the page whose index comes next may have been sent before.</summary>
        Confirmed,

        /// <summary>Everything that is published is received.</summary>
        Receiving,
    }

    public RedisServer Server => server;

    /// <summary>True if everything that is published is received.</summary>
    public bool IsReceiving => _state == State.Receiving;

    /// <summary>True if there is certainly no subscription, nor a change to it.</summary>
    public bool IsEnded => _state == State.None;

    /// <summary>Returns true if everything is received, or should be, because the channel has been needed for longer
    /// than this.</summary>
    public bool IsDue(TimeSpan timeout) =>
        IsReceiving || (_isNeeded && clock.GetElapsedTime(Volatile.Read(ref _neededAt)) > timeout);

    /// <summary>Subscribes or unsubscribes in the background if that is due.</summary>
    public void Want(bool needed, CancellationToken stoppingToken)
    {
        lock (_gate)
        {
            if (needed && !_isNeeded)
                Volatile.Write(ref _neededAt, clock.GetTimestamp());
            _isNeeded = needed;
            var isDone = needed ? _state >= State.Confirmed && !_isStale : _state == State.None;
            if (isDone || _state == State.Changing)
                return;

            _state = State.Changing;
            _isStale = false;
        }
        _ = ChangeAsync(needed, stoppingToken);
    }

    /// <summary>Records an index, after which every body of later pages is due.</summary>
    public void IndexReceived()
    {
        if (_state != State.Confirmed)
            return;
        lock (_gate)
            if (_state == State.Confirmed)
                _state = State.Receiving;
    }

    /// <summary>Records a received message.</summary>
    public void MessageReceived() => Volatile.Write(ref _lost, 0);

    /// <summary>Records a lost message. Returns true if the channel must be subscribed again.</summary>
    public bool Lost()
    {
        if (Interlocked.Increment(ref _lost) < MaxLost)
            return false;
        Renew();
        return true;
    }

    /// <summary>Makes the next <see cref="Want"/> subscribe again.</summary>
    public void Renew()
    {
        MessageReceived();
        lock (_gate)
            _isStale = _state >= State.Confirmed;
    }

    private async Task ChangeAsync(bool subscribe, CancellationToken stoppingToken)
    {
        var state = State.None;
        Exception? failure = null;
        try
        {
            if (subscribe)
            {
                await server.SubscribeAsync(name, take, Timeout, stoppingToken);
                state = State.Confirmed;
            }
            else
                await server.UnsubscribeAsync(name, Timeout, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        // After any failure the next Want must try again: an exception would leave the state at Changing for good.
        catch (Exception e)
        {
            state = State.Unknown;
            failure = e;
        }
        lock (_gate)
            _state = state;
        changed(state == State.Confirmed, failure);
    }
}
