using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>Reads the log's head for streams that start there, as this replica may lag acknowledged events by
/// milliseconds, and for the feed. Callers share reads; each gets one that began after its call.</summary>
internal sealed class StoreHead(ILogReader reader, IOptions<StreamingOptions> options, TimeProvider clock)
{
    /// <summary>Shortest time between reads, so that a storm of connects shares one.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds((double)options.Value.HeadMilliseconds);
    private readonly Lock _gate = new();
    private Task<EventPage?> _running = Task.FromResult<EventPage?>(null);
    private Task<EventPage?>? _next;
    private long _readAt = clock.GetTimestamp();

    /// <summary>Returns the head, as a page without events; null if the store does not answer in time.</summary>
    public async Task<EventPage?> ReadAsync(CancellationToken cancellationToken)
    {
        Task<EventPage?> mine;
        lock (_gate)
            mine = _next ??= AfterAsync(_running);
        try
        {
            return await mine.WaitAsync(_timeout, clock, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<EventPage?> AfterAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (Interval - clock.GetElapsedTime(_readAt) is var left && left > TimeSpan.Zero)
            await Task.Delay(left, clock);

        lock (_gate)
        {
            _running = _next!;
            _next = null;
        }
        _readAt = clock.GetTimestamp();
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
