using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Grants turns to requests that read the store: few at once, in rotation over the clients, and in total at most a
/// share of the processor time (<see cref="LimitOptions.ReadPercent"/>).
/// </summary>
internal sealed class StoreReads(IOptions<EventStoreOptions> options, IOptions<LimitOptions> limits, TimeProvider clock)
    : IReadTurns
{
    private readonly FairQueue _queue = new(
        // Reads at once compete for the processors with appends and deliveries, so a share of them takes half at most.
        limits.Value.ReadPercent < LimitOptions.Unlimited
            ? Math.Min(options.Value.ReadConnections, Math.Max(1, Environment.ProcessorCount / 2))
            : options.Value.ReadConnections,
        options.Value.MaxWaitingReads,
        limits.Value.ReadPercent is var percent and < LimitOptions.Unlimited
            ? new WorkShare(percent.Value / 100.0 * Environment.ProcessorCount, clock)
            : WorkShare.Unlimited(clock)
    );

    /// <inheritdoc/>
    public Task<IDisposable> EnterAsync(HttpContext context) =>
        EnterInTimeAsync(RequestLimits.KeyOf(context), context.RequestAborted);

    /// <inheritdoc/>
    public Task<IDisposable> EnterAsync(string client, CancellationToken cancellationToken) =>
        _queue.EnterAsync(client, Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>Waits for a turn of the client; dispose it to return it.</summary>
    /// <exception cref="StoreUnavailableException">No turn became free in time.</exception>
    public async Task<IDisposable> EnterInTimeAsync(string client, CancellationToken cancellationToken)
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
