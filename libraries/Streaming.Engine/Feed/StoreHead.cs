using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>Reads the log's head for the feed, and for streams that start there, because this replica may lag
/// acknowledged events by milliseconds. Callers share reads; each gets a read that began after its call.</summary>
internal sealed class StoreHead(ILogReader reader, IOptions<SseOptions> options, TimeProvider clock)
{
    /// <summary>Longest wait of a stream that only the store can begin: its client would come again after some seconds,
    /// and wait again.</summary>
    private static readonly TimeSpan Needed = TimeSpan.FromSeconds(5);

    // In real time, because an application's tests may stop its clock.
    private readonly SharedRead<LogPage?> _reads = new(TimeProvider.System, apart: TimeSpan.FromMilliseconds(5));

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds((double)options.Value.HeadMilliseconds);
    private TimedRead? _last;

    /// <summary>A read, and the same read with a timeout, which began with its first caller.</summary>
    private sealed record TimedRead(Task<LogPage?> Read, Task<LogPage?> InTime);

    /// <summary>Returns the head, as a page without events, or null if the store does not answer in time.</summary>
    /// <param name="isNeeded">True if the caller can do nothing without it, and so waits longer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<LogPage?> ReadAsync(bool isNeeded, CancellationToken cancellationToken)
    {
        var read = _reads.NextAsync(TryReadAsync, CancellationToken.None);
        if (isNeeded)
            return InTimeAsync(read, Needed).WaitAsync(cancellationToken);

        var timed = Volatile.Read(ref _last);

        // One timer for a read, however many wait for it.
        if (timed?.Read != read)
            Volatile.Write(ref _last, timed = new(read, InTimeAsync(read, _timeout)));

        return timed.InTime.WaitAsync(cancellationToken);
    }

    private async Task<LogPage?> InTimeAsync(Task<LogPage?> read, TimeSpan timeout)
    {
        try
        {
            return await read.WaitAsync(timeout, clock);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<LogPage?> TryReadAsync()
    {
        try
        {
            return await reader.HeadAsync();
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }
}
