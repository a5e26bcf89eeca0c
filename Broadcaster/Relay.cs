using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Broadcaster;

/// <summary>
/// What the leader does: moves the outbox into the log, drops what is too old, tails the log, publishes each batch on Redis with the position before it, and
/// beats. It starts at the head: what a former leader left unpublished, receivers notice by the first beat and read from the store.
/// </summary>
internal sealed class Relay(
    EventReader reader, EventTail tail, [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store, Retention retention, TopicDirectory topics, RedisPublisher redis, RelayMetrics metrics, TimeProvider clock,
    IOptions<RelayOptions> options, ILogger<Relay> logger)
{
    private string _epoch = "";

    /// <summary>The last position published (or found at the start).</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    public async Task RunAsync(long fence, Func<bool> stillLeads, CancellationToken cancellationToken)
    {
        var head = await reader.HeadAsync(cancellationToken);
        (_epoch, Relayed) = (head.Epoch, head.Head);
        using var publishing = new SemaphoreSlim(1);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] work = [TailAsync(stop.Token), BeatAsync(stop.Token), OutboxAsync(stop.Token), retention.RunAsync(stop.Token), topics.RunAsync(stop.Token)];
        // None ends alone: a leader that beats but no longer tails would keep every reader waiting.
        await Task.WhenAny(work);
        await stop.CancelAsync();
        try { await Task.WhenAll(work); }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }

        async Task TailAsync(CancellationToken stopped)
        {
            await foreach (var page in tail.FollowAsync(Relayed, options.Value.MaxDataBytes, stopped))
            {
                if (!stillLeads()) return;
                await publishing.WaitAsync(stopped);
                try { await PublishAsync(page, fence, stopped); }
                finally { publishing.Release(); }
            }
        }

        async Task BeatAsync(CancellationToken stopped)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.BeatMilliseconds), clock);
            do
            {
                if (!stillLeads()) return;
                await publishing.WaitAsync(stopped);
                try { await redis.PublishAsync(new RelayMessage(_epoch, fence, Relayed, Relayed, [], null), stopped); }
                finally { publishing.Release(); }
            }
            while (await timer.WaitForNextTickAsync(stopped));
        }

        async Task OutboxAsync(CancellationToken stopped)
        {
            await foreach (var _ in tail.OutboxAsync(stopped))
            {
                if (!stillLeads()) return;
                try { while (await Outbox.RelayAsync(store, Leadership.Lease, fence, options.Value.OutboxBatch, stopped) > 0) { } }
                catch (Exception e) when (e is NpgsqlException or TimeoutException) { logger.LogWarning("The outbox waits for Postgres: {Reason}", e.Message); }
            }
        }
    }

    private async Task PublishAsync(EventPage page, long fence, CancellationToken cancellationToken)
    {
        if (page.Epoch != _epoch)
        {
            logger.LogInformation("The store's epoch changed from {Old} to {New}", _epoch, page.Epoch);
            (_epoch, Relayed) = (page.Epoch, page.Events.Count == 0 ? page.Head : 0);
            await redis.PublishAsync(new RelayMessage(_epoch, fence, Relayed, Relayed, [], null), cancellationToken);
        }
        if (page.Events.Count > 0)
        {
            var last = page.Events[^1].Position;
            using var span = StoreTracing.StartBatch("broadcaster relay", ActivityKind.Producer, page.Events.Select(e => e.TraceParent));
            span?.SetTag("messaging.batch.message_count", page.Events.Count);
            await redis.PublishAsync(new RelayMessage(page.Epoch, fence, Relayed, last, page.Events, span?.Id), cancellationToken);
            metrics.Relayed(page.Events.Count, clock.GetUtcNow() - page.Events[0].Time);
            Relayed = last;
        }
        Lag = Math.Max(0, page.Head - page.Through);
        metrics.Lag(Lag);
    }
}
