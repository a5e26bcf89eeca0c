using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Broadcaster;

/// <summary>The leader's work: moves the outbox into the log, removes expired events, tails the log, publishes
/// each page on Redis, divided into slots, and sends heartbeats. It starts at the head; by its first heartbeat,
/// receivers notice events that a former leader left unpublished, and read them from the store.</summary>
internal sealed class Relay(
    EventReader reader,
    EventTail tail,
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    Retention retention,
    TopicDirectory topics,
    RelaySecret secret,
    TopicSlots slots,
    RedisPublisher redis,
    RelayMetrics metrics,
    TimeProvider clock,
    IOptions<RelayOptions> options,
    ILogger<Relay> logger
)
{
    /// <summary>The interval at which the secret is read again, because an operator can change it.</summary>
    private static readonly TimeSpan SecretInterval = TimeSpan.FromSeconds(10);

    /// <summary>Number of heartbeats after which the head of a quiet slot is raised, so that quiet slots take no room
    /// in the heartbeat.</summary>
    private const int QuietHeartbeats = 8;

    private readonly long[] _heads = new long[slots.Count];
    private readonly Queue<long> _headsAtHeartbeats = [];
    private string _epoch = "";

    /// <summary>The last published position; before the first publish, the head at the start.</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    public async Task RunAsync(long fence, Func<bool> stillLeads, CancellationToken cancellationToken)
    {
        await secret.ReadAsync(cancellationToken);
        var head = await reader.HeadAsync(cancellationToken);
        StartAt(head.Epoch, head.Head);
        using var term = new Term(fence, stillLeads);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] work =
        [
            TailAsync(term, stop.Token),
            HeartbeatAsync(term, stop.Token),
            OutboxAsync(term, stop.Token),
            SecretAsync(stop.Token),
            retention.RunAsync(stop.Token),
            topics.RunAsync(stop.Token),
        ];
        // The tasks end together: a leader that sends heartbeats but no longer tails would keep every reader waiting.
        await Task.WhenAny(work);
        await stop.CancelAsync();
        try
        {
            await Task.WhenAll(work);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested) { }
    }

    /// <summary>Publishes the log's pages, while this replica leads.</summary>
    private async Task TailAsync(Term term, CancellationToken stopped)
    {
        var after = Relayed;
        await foreach (var page in tail.FollowAsync(after, options.Value.MaxDataBytes, stopped))
        {
            if (!await term.PublishAsync(() => PublishAsync(page, after, term.Fence, stopped), stopped))
                return;
            after = page.Next;
        }
    }

    /// <summary>Sends heartbeats, while this replica leads.</summary>
    private async Task HeartbeatAsync(Term term, CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.HeartbeatMilliseconds), clock);
        do
        {
            if (!await term.PublishAsync(() => SendHeartbeatAsync(term.Fence, stopped), stopped))
                return;
        } while (await timer.WaitForNextTickAsync(stopped));
    }

    /// <summary>Reads the secret again every <see cref="SecretInterval"/>.</summary>
    private async Task SecretAsync(CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(SecretInterval, clock);
        while (await timer.WaitForNextTickAsync(stopped))
        {
            try
            {
                await secret.ReadAsync(stopped);
            }
            catch (Exception e) when (e is StoreUnavailableException or InvalidOperationException)
            { /* the current secret stays valid, also while an operator replaces the row */
            }
        }
    }

    /// <summary>Moves the outbox into the log whenever rows may wait, while this replica leads.</summary>
    private async Task OutboxAsync(Term term, CancellationToken stopped)
    {
        await foreach (var _ in tail.OutboxAsync(stopped))
        {
            if (!term.StillLeads())
                return;
            try
            {
                await EmptyOutboxAsync(term.Fence, stopped);
            }
            catch (OperationCanceledException) when (stopped.IsCancellationRequested)
            {
                throw;
            }
            catch (Exception e)
            {
                logger.LogWarning("The outbox could not be moved and is retried: {Reason}", e.Message);
            }
        }
    }

    /// <summary>Starts at a position; every slot may have events up to it.</summary>
    private void StartAt(string epoch, long position)
    {
        (_epoch, Relayed) = (epoch, position);
        Array.Fill(_heads, position);
        _headsAtHeartbeats.Clear();
    }

    private Task SendHeartbeatAsync(long fence, CancellationToken cancellationToken)
    {
        _headsAtHeartbeats.Enqueue(Relayed);
        if (_headsAtHeartbeats.Count > QuietHeartbeats && _headsAtHeartbeats.Dequeue() is var quiet)
            for (var slot = 0; slot < _heads.Length; slot++)
                _heads[slot] = Math.Max(_heads[slot], quiet);
        return redis.PublishHeartbeatAsync(
            new RelayPage(_epoch, fence, Relayed, Relayed),
            [.. _heads],
            cancellationToken
        );
    }

    private async Task EmptyOutboxAsync(long fence, CancellationToken stopped)
    {
        OutboxMove move;
        do
        {
            move = await MoveAsync(fence, stopped);
            metrics.Refused(move.Refused.Count);
            foreach (var reason in move.Refused)
                logger.LogError(
                    "An outbox event cannot be published and is now in eventstore.outbox_refused: {Reason}",
                    reason
                );
        } while (move.Rows > 0 && !stopped.IsCancellationRequested);
    }

    /// <summary>Moves a batch. Since Postgres is never told to cancel a commit, the term waits for it, unless it takes
    /// longer than a lease lives: the next leader need not wait, because its fence refuses the move.</summary>
    private async Task<OutboxMove> MoveAsync(long fence, CancellationToken stopped)
    {
        var begun = clock.GetTimestamp();
        var lease = TimeSpan.FromMilliseconds(options.Value.LeaseMilliseconds);
        using var limit = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        await using var ending = stopped.Register(() =>
            limit.CancelAfter(TimeSpan.FromTicks(Math.Max(0, (lease - clock.GetElapsedTime(begun)).Ticks)))
        );
        return await Outbox.RelayAsync(store, Leadership.Lease, fence, options.Value.OutboxBatch, limit.Token);
    }

    private async Task PublishAsync(EventPage page, long after, long fence, CancellationToken cancellationToken)
    {
        if (page.Epoch != _epoch)
        {
            logger.LogInformation("The store's epoch changed from {Old} to {New}", _epoch, page.Epoch);
            await secret.ReadAsync(cancellationToken); // the store may have been replaced
            // The page lacks the events before it in the new history, so receivers without them must see a gap.
            StartAt(page.Epoch, page.Events.Count == 0 ? page.Head : after);
            await SendHeartbeatAsync(fence, cancellationToken);
        }
        // Events that retention dropped before they were relayed must be a gap to receivers.
        if (page.DroppedThrough > Relayed)
            StartAt(page.Epoch, page.DroppedThrough);
        if (page.Events.Count > 0)
        {
            var last = page.Events[^1].Position;
            using var span = StoreTracing.StartBatch(
                "broadcaster relay",
                ActivityKind.Producer,
                page.Events.Select(e => e.TraceParent)
            );
            span?.SetTag("messaging.batch.message_count", page.Events.Count);
            await redis.PublishPageAsync(
                new RelayPage(page.Epoch, fence, Relayed, last),
                page.Events,
                span?.Id,
                cancellationToken
            );
            foreach (var e in page.Events)
                _heads[slots.Of(e.Topic)] = e.Position;
            metrics.Relayed(page.Events.Count, clock.GetUtcNow() - page.Events[0].Time);
            Relayed = last;
        }
        Lag = Math.Max(0, page.Head - page.Through);
        metrics.Lag(Lag);
    }

    /// <summary>One term of leadership.</summary>
    /// <param name="fence">The number that orders leaders.</param>
    /// <param name="stillLeads">Returns false once the lease is lost.</param>
    private sealed class Term(long fence, Func<bool> stillLeads) : IDisposable
    {
        private readonly SemaphoreSlim _publishing = new(1);

        public long Fence => fence;

        public bool StillLeads() => stillLeads();

        /// <summary>Publishes a page or a heartbeat after the one before it, so that none overtakes another.</summary>
        /// <returns>False, without a publish, once the lease is lost.</returns>
        public async Task<bool> PublishAsync(Func<Task> publish, CancellationToken stopped)
        {
            if (!stillLeads())
                return false;
            await _publishing.WaitAsync(stopped);
            try
            {
                await publish();
                return true;
            }
            finally
            {
                _publishing.Release();
            }
        }

        public void Dispose() => _publishing.Dispose();
    }
}
