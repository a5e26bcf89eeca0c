using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Moves the outbox into the log whenever rows may wait.</summary>
internal sealed class OutboxMover(
    EventTail tail,
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    LeaderMetrics metrics,
    TimeProvider clock,
    IOptions<LeaderOptions> options,
    ILogger<OutboxMover> logger
) : ILeaderTask
{
    private (int Connections, string Look) _looked = (0, "");

    public async Task RunAsync(Term term, CancellationToken stopped)
    {
        await foreach (var _ in tail.OutboxAsync(stopped))
        {
            if (!term.StillLeads())
                return;
            try
            {
                await EmptyAsync(term.Fence, stopped);
            }
            catch (Exception e) when (!stopped.IsCancellationRequested)
            {
                logger.LogWarning("The outbox could not be moved and is retried: {Reason}", e.Message);
            }
        }
    }

    private async Task EmptyAsync(long fence, CancellationToken stopped)
    {
        OutboxMove move;
        do
        {
            // A crash of Postgres, after which numbers of transactions may return, ends the connection that listens.
            var connections = tail.OutboxConnections;
            move = await MoveAsync(fence, _looked.Connections == connections ? _looked.Look : "", stopped);
            _looked = (connections, move.Looked);
            metrics.Refused(move.Refused.Count);

            foreach (var reason in move.Refused)
                logger.LogError(
                    "An outbox event cannot be published and is now in eventstore.outbox_refused: {Reason}",
                    reason
                );
        } while (move.Rows > 0 && !stopped.IsCancellationRequested);
    }

    /// <summary>Moves a batch. Postgres is never told to cancel a commit, so the term waits for it, but at most as long
    /// as a lease lives. After that the next leader's fence refuses the move.</summary>
    private async Task<OutboxMove> MoveAsync(long fence, string look, CancellationToken stopped)
    {
        var begun = clock.GetTimestamp();
        var lease = TimeSpan.FromMilliseconds(options.Value.LeaseMilliseconds);
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
#pragma warning disable RS0030 // The token source has a clock.
        await using var ending = stopped.Register(() =>
            limit.CancelAfter(TimeSpan.FromTicks(Math.Max(0, (lease - clock.GetElapsedTime(begun)).Ticks)))
        );
#pragma warning restore RS0030
        return await Outbox.RelayAsync(store, Leadership.Lease, fence, options.Value.OutboxBatch, look, limit.Token);
    }
}
