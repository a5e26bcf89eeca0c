using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using EventStore;

namespace Streaming.Feed;

/// <summary>Relayed pages for the feed, each once, in one leader's order. The store has the pages that the queue
/// drops.</summary>
/// <remarks>Thread-safe, for one reader.</remarks>
internal sealed class RelayQueue
{
    /// <summary>Maximum bytes of queued pages. New pages beyond it are dropped.</summary>
    private const long MaxBytes = 64 * 1024 * 1024;

    /// <summary>Maximum queued pages. The oldest are dropped.</summary>
    private const int MaxPages = 1_024;

    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly Channel<RelayPage> _pages;
    private string _epoch = "";
    private long _fence;
    private long _sent;
    private long _bytes;
    private long _receivedAt = long.MinValue / 2;

    public RelayQueue(TimeProvider clock)
    {
        _clock = clock;
        _pages = Channel.CreateBounded<RelayPage>(
            new BoundedChannelOptions(MaxPages) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            dropped => Interlocked.Add(ref _bytes, -dropped.Events.Length)
        );
    }

    /// <summary>Takes a page if there is room. Another epoch may restart the counters.</summary>
    /// <returns>False for a repetition, or a page of a deposed leader.</returns>
    public bool Accept(RelayPage page)
    {
        lock (_gate)
        {
            if (page.Epoch == _epoch && (page.Fence < _fence || (page.Fence == _fence && page.Sent <= _sent)))
                return false;

            _epoch = page.Epoch;
            _fence = page.Fence;
            _sent = page.Sent;
            RestartTime();

            if (Interlocked.Add(ref _bytes, page.Events.Length) <= MaxBytes)
                _pages.Writer.TryWrite(page);
            else
                Interlocked.Add(ref _bytes, -page.Events.Length);

            return true;
        }
    }

    public bool TryRead([NotNullWhen(true)] out RelayPage? page)
    {
        if (!_pages.Reader.TryRead(out page))
            return false;

        Interlocked.Add(ref _bytes, -page.Events.Length);
        return true;
    }

    public Task WaitToReadAsync(CancellationToken cancellationToken) =>
        _pages.Reader.WaitToReadAsync(cancellationToken).AsTask();

    public bool IsSilent(TimeSpan time) => _clock.GetElapsedTime(Volatile.Read(ref _receivedAt)) >= time;

    public void RestartTime() => Volatile.Write(ref _receivedAt, _clock.GetTimestamp());
}
