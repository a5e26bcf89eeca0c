using System.Threading.Channels;

namespace EventStore;

/// <summary>Requests that wait for a group commit, bounded in bytes. Publishers share the log by bytes (self-clocked
/// fair queueing), so a small publish does not wait behind another publisher's large one. Thread-safe; one
/// reader.</summary>
internal sealed class AppendQueue(long maxBytes)
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<EventAppender.Request, (long Finish, long Number)> _waiting = new();
    private readonly Dictionary<string, Share> _publishers = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }
    );
    private long _bytes;
    private long _clock;
    private long _number;
    private bool _closed;

    /// <summary>Bytes of memory that waiting requests take.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _bytes;
        }
    }

    /// <summary>Requests that wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Adds a request. Between the bound and twice the bound, only publishers below an equal share may add
    /// one.</summary>
    public void Add(EventAppender.Request request)
    {
        lock (_gate)
        {
            if (_closed)
                throw Stopping();

            var share = _publishers.GetValueOrDefault(request.Publisher, new Share(_clock, 0, 0));
            var publishers = _publishers.Count + (share.Requests == 0 ? 1 : 0);
            var room = share.Bytes + request.Bytes > maxBytes / publishers ? maxBytes : 2 * maxBytes;
            if (_bytes > 0 && _bytes + request.Bytes > room)
                throw new AppendQueueFullException();

            share = new Share(
                Math.Max(_clock, share.Finish) + request.Bytes,
                share.Bytes + request.Bytes,
                share.Requests + 1
            );
            _publishers[request.Publisher] = share;
            _bytes += request.Bytes;
            _waiting.Enqueue(request, (share.Finish, _number++));
        }
        _wake.Writer.TryWrite(true);
    }

    public EventAppender.Request? Take()
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out var request, out var at))
                return null;

            _clock = at.Finish;
            _bytes -= request.Bytes;

            var share = _publishers[request.Publisher];
            // A publisher without waiting requests starts again at the clock's time, so it need not be kept.
            if (share.Requests == 1)
                _publishers.Remove(request.Publisher);
            else
                _publishers[request.Publisher] = share with
                {
                    Bytes = share.Bytes - request.Bytes,
                    Requests = share.Requests - 1,
                };

            return request;
        }
    }

    /// <summary>Waits until a request may be in the queue.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _wake.Reader.ReadAsync(cancellationToken);

    /// <summary>Refuses requests from now on, and those that still wait.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            while (_waiting.TryDequeue(out var request, out _))
                request.Completion.TrySetException(Stopping());
        }
    }

    public static StoreUnavailableException Stopping() =>
        new("The host is stopping or has stopped, and its event log with it.");

    /// <summary>A publisher with waiting requests; <c>Finish</c> is the virtual finish of its last request, in
    /// bytes.</summary>
    private readonly record struct Share(long Finish, long Bytes, int Requests);
}
