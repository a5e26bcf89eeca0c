using EventStore;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>
/// Reads the log's head from the store for streams that start there, because this replica may be some milliseconds
/// behind acknowledged events. Callers share reads; each gets one that began after its call.
/// </summary>
internal sealed class StoreHead(EventReader reader, IOptions<StreamingOptions> options, TimeProvider clock)
{
    /// <summary>Shortest time between reads: in a storm of connects they share one, and nobody notices the
    /// wait.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(5);

    private readonly TimeSpan _timeout = TimeSpan.FromMilliseconds((double)options.Value.HeadMilliseconds);
    private readonly Lock _gate = new();
    private Task<StreamId?> _running = Task.FromResult<StreamId?>(null);
    private Task<StreamId?>? _next;
    private long _readAt = clock.GetTimestamp();

    /// <summary>Returns the head, or null if the store does not answer in time.</summary>
    public async Task<StreamId?> ReadAsync(CancellationToken cancellationToken)
    {
        Task<StreamId?> mine;
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

    private async Task<StreamId?> AfterAsync(Task running)
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
            var head = await reader.HeadAsync();
            return new StreamId(head.Epoch, head.Head);
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }
}
