using EventStore;

namespace Streaming.Feed;

/// <summary>
/// The log's head as the store has it, for readers that start there: this replica may be some milliseconds behind what
/// was acknowledged.
/// Callers share reads: each gets one that began after it asked, however many ask at once.
/// </summary>
internal sealed class StoreHead(EventReader reader)
{
    /// <summary>How long a stream's start may wait for it; without an answer the replica's own head must do.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private Task<StreamId?> _running = Task.FromResult<StreamId?>(null);
    private Task<StreamId?>? _next;

    /// <summary>Null where the store does not answer in time.</summary>
    public async Task<StreamId?> ReadAsync(CancellationToken cancellationToken)
    {
        Task<StreamId?> mine;
        lock (_gate)
            mine = _next ??= AfterAsync(_running);
        try
        {
            return await mine.WaitAsync(Timeout, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private async Task<StreamId?> AfterAsync(Task running)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        lock (_gate)
            (_running, _next) = (_next!, null);
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
