using System.Threading.Channels;

namespace EventStore;

/// <summary>
/// Requests that wait for a group commit, bounded in bytes and fair between publishers: next is the one whose publisher
/// will have been given the fewest
/// bytes (self-clocked fair queueing), so that a small publish does not wait behind another publisher's bulk.
/// Thread-safe; one reader.
/// </summary>
internal sealed class AppendQueue(long maxBytes)
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<EventAppender.Request, (long Finish, long Number)> _waiting = new();
    private readonly Dictionary<string, Share> _publishers = new(StringComparer.Ordinal);
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { SingleReader = true, FullMode = BoundedChannelFullMode.DropWrite }
    );
    private long _bytes,
        _clock,
        _number;
    private bool _closed;

    /// <summary>Bytes of all that wait.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
                return _bytes;
        }
    }

    /// <summary>
    /// Takes a request in. Beyond the bound only a publisher that holds no more than its equal part of it gets in, so
    /// that all together never hold more than
    /// twice the bound.
    /// </summary>
    /// <exception cref="AppendQueueFullException">Too many bytes wait.</exception>
    /// <exception cref="StoreUnavailableException">The server is stopping.</exception>
    public void Add(EventAppender.Request request)
    {
        lock (_gate)
        {
            if (_closed)
                throw new StoreUnavailableException("The server is stopping.");
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

    /// <summary>Takes the next one out; null where none waits.</summary>
    public EventAppender.Request? Take()
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out var request, out var at))
                return null;
            _clock = at.Finish;
            _bytes -= request.Bytes;
            var share = _publishers[request.Publisher];
            // The last one of a publisher finishes now: there is nothing left to remember of it.
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

    /// <summary>Completes once something may be there to take.</summary>
    public async ValueTask WaitAsync(CancellationToken cancellationToken) =>
        await _wake.Reader.ReadAsync(cancellationToken);

    /// <summary>Takes nothing in any more; returns what still waits.</summary>
    public IReadOnlyList<EventAppender.Request> Close()
    {
        lock (_gate)
        {
            _closed = true;
            var left = new List<EventAppender.Request>();
            while (_waiting.TryDequeue(out var request, out _))
                left.Add(request);
            return left;
        }
    }

    /// <param name="Finish">When the last request of this publisher is due, in bytes.</param>
    /// <param name="Bytes">Bytes of its requests that wait.</param>
    /// <param name="Requests">How many those are.</param>
    private readonly record struct Share(long Finish, long Bytes, int Requests);
}
