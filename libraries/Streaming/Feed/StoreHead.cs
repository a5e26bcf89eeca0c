using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>Reads the log's head for streams that start there, as this replica may lag acknowledged events by
/// milliseconds, and for the feed. Callers share reads; each gets one that began after its call.</summary>
internal sealed class StoreHead(ILogReader reader, IOptions<SseOptions> options, TimeProvider clock)
{
    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds((double)options.Value.HeadMilliseconds);
    private readonly SharedRead<EventPage?> _reads = new(clock, apart: TimeSpan.FromMilliseconds(5));

    /// <summary>Returns the head, as a page without events, or null if the store does not answer in time.</summary>
    public async Task<EventPage?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _reads
                .NextAsync(TryReadAsync, CancellationToken.None)
                .WaitAsync(_timeout, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<EventPage?> TryReadAsync()
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
