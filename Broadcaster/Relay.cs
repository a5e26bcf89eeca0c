using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Broadcaster;

/// <summary>
/// What the leader does: moves the outbox into the log, drops what is too old, tails the log, publishes each batch on
/// Redis with the position before it, and
/// beats. It starts at the head: what a former leader left unpublished, receivers notice by the first beat and read
/// from the store.
/// </summary>
internal sealed class Relay(
    EventReader reader,
    EventTail tail,
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    Retention retention,
    TopicDirectory topics,
    RelaySecret secret,
    RedisPublisher redis,
    RelayMetrics metrics,
    TimeProvider clock,
    IOptions<RelayOptions> options,
    ILogger<Relay> logger
)
{
    /// <summary>How often the secret is read again: an operator may have changed it.</summary>
    private static readonly TimeSpan SecretInterval = TimeSpan.FromSeconds(10);

    private string _epoch = "";

    /// <summary>The last position published (or found at the start).</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    public async Task RunAsync(long fence, Func<bool> stillLeads, CancellationToken cancellationToken)
    {
        await secret.ReadAsync(cancellationToken);
        var head = await reader.HeadAsync(cancellationToken);
        (_epoch, Relayed) = (head.Epoch, head.Head);
        using var publishing = new SemaphoreSlim(1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] work =
        [
            TailAsync(stop.Token),
            BeatAsync(stop.Token),
            OutboxAsync(stop.Token),
            SecretAsync(stop.Token),
            retention.RunAsync(stop.Token),
            topics.RunAsync(stop.Token),
        ];
        // None ends alone: a leader that beats but no longer tails would keep every reader waiting.
        await Task.WhenAny(work);
        await stop.CancelAsync();
        try
        {
            await Task.WhenAll(work);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }

        async Task TailAsync(CancellationToken stopped)
        {
            var after = Relayed;
            await foreach (var page in tail.FollowAsync(after, options.Value.MaxDataBytes, stopped))
            {
                if (!stillLeads())
                    return;
                await publishing.WaitAsync(stopped);
                try
                {
                    await PublishAsync(page, after, fence, stopped);
                }
                finally
                {
                    publishing.Release();
                }
                after = page.Next;
            }
        }

        async Task BeatAsync(CancellationToken stopped)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.HeartbeatMilliseconds), clock);
            do
            {
                if (!stillLeads())
                    return;
                await publishing.WaitAsync(stopped);
                try
                {
                    await redis.PublishAsync(new RelayMessage(_epoch, fence, Relayed, Relayed, [], null), stopped);
                }
                finally
                {
                    publishing.Release();
                }
            } while (await timer.WaitForNextTickAsync(stopped));
        }

        async Task SecretAsync(CancellationToken stopped)
        {
            using var timer = new PeriodicTimer(SecretInterval, clock);
            while (await timer.WaitForNextTickAsync(stopped))
            {
                try
                {
                    await secret.ReadAsync(stopped);
                }
                catch (StoreUnavailableException)
                { /* the one that it has is good for now */
                }
            }
        }

        async Task OutboxAsync(CancellationToken stopped)
        {
            await foreach (var _ in tail.OutboxAsync(stopped))
            {
                if (!stillLeads())
                    return;
                try
                {
                    await EmptyOutboxAsync(fence, stopped);
                }
                catch (OperationCanceledException) when (stopped.IsCancellationRequested)
                {
                    throw;
                }
                catch (Exception e)
                {
                    logger.LogWarning("The outbox waits: {Reason}", e.Message);
                }
            }
        }
    }

    private async Task EmptyOutboxAsync(long fence, CancellationToken cancellationToken)
    {
        OutboxMove move;
        do
        {
            move = await Outbox.RelayAsync(
                store,
                Leadership.Lease,
                fence,
                options.Value.OutboxBatch,
                cancellationToken
            );
            metrics.Refused(move.Refused.Count);
            foreach (var reason in move.Refused)
                logger.LogError(
                    "An outbox event cannot be published and is now in eventstore.outbox_refused: {Reason}",
                    reason
                );
        } while (move.Rows > 0);
    }

    private async Task PublishAsync(EventPage page, long after, long fence, CancellationToken cancellationToken)
    {
        if (page.Epoch != _epoch)
        {
            logger.LogInformation("The store's epoch changed from {Old} to {New}", _epoch, page.Epoch);
            await secret.ReadAsync(cancellationToken); // it may be another store
            // The page lacks what stands before it in the new history: who has not got that must see that he has not.
            (_epoch, Relayed) = (page.Epoch, page.Events.Count == 0 ? page.Head : after);
            await redis.PublishAsync(new RelayMessage(_epoch, fence, Relayed, Relayed, [], null), cancellationToken);
        }
        if (page.Events.Count > 0)
        {
            var last = page.Events[^1].Position;
            using var span = StoreTracing.StartBatch(
                "broadcaster relay",
                ActivityKind.Producer,
                page.Events.Select(e => e.TraceParent)
            );
            span?.SetTag("messaging.batch.message_count", page.Events.Count);
            await redis.PublishAsync(
                new RelayMessage(page.Epoch, fence, Relayed, last, page.Events, span?.Id),
                cancellationToken
            );
            metrics.Relayed(page.Events.Count, clock.GetUtcNow() - page.Events[0].Time);
            Relayed = last;
        }
        Lag = Math.Max(0, page.Head - page.Through);
        metrics.Lag(Lag);
    }
}
