using EventStore;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Grants turns to requests that read the store: few at once, in rotation over the clients, and in total at most a
/// share of the processor time (<see cref="LimitOptions.ReadPercent"/>).
/// </summary>
internal sealed class StoreReads(IOptions<EventStoreOptions> options, IOptions<LimitOptions> limits, TimeProvider clock)
{
    private readonly FairQueue _queue = new(
        options.Value.ReadConnections,
        options.Value.MaxWaitingReads,
        limits.Value.ReadPercent is var percent and < LimitOptions.Unlimited
            ? new WorkShare(percent.Value / 100.0 * Environment.ProcessorCount, clock)
            : WorkShare.Unlimited
    );

    /// <summary>Waits for a turn of the request's client; dispose it to return it.</summary>
    /// <exception cref="StoreUnavailableException">No turn became free in time.</exception>
    public Task<IDisposable> EnterAsync(HttpContext context) =>
        EnterAsync(RequestLimits.KeyOf(context), context.RequestAborted);

    /// <inheritdoc cref="EnterAsync(HttpContext)"/>
    public async Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken)
    {
        try
        {
            return await _queue.EnterAsync(
                client,
                TimeSpan.FromSeconds(options.Value.CommandTimeoutSeconds),
                cancellationToken
            );
        }
        catch (TimeoutException e)
        {
            throw new StoreUnavailableException("Too many reads of this client wait for the store.", e);
        }
    }
}
