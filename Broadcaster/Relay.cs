using System.Diagnostics;
using EventStore;
using Microsoft.Extensions.Options;

namespace Broadcaster;

/// <summary>Tails the log, publishes each page on Redis, and sends heartbeats. It starts at the head; by its first
/// heartbeat, receivers notice events that a former leader left unpublished, and read them from the store.</summary>
internal sealed class Relay(
    EventReader reader,
    EventTail tail,
    RedisPublisher redis,
    RelayMetrics metrics,
    TimeProvider clock,
    IOptions<RelayOptions> options,
    ILogger<Relay> logger
) : IDisposable
{
    /// <summary>Held during a publish, so that no message overtakes another.</summary>
    private readonly SemaphoreSlim _publishing = new(1);

    private string _epoch = "";

    /// <summary>The last published position; before the first publish, the head at the start.</summary>
    public long Relayed { get; private set; }

    /// <summary>Positions between the log's head and <see cref="Relayed"/>.</summary>
    public long Lag { get; private set; }

    /// <summary>Starts a term at the head.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var head = await reader.HeadAsync(cancellationToken);
        _epoch = head.Epoch;
        Relayed = head.Head;
    }

    /// <summary>Publishes the log's pages until the lease is lost.</summary>
    public async Task TailAsync(Term term, CancellationToken stopped)
    {
        var after = Relayed;
        await foreach (var page in tail.FollowAsync(after, options.Value.MaxDataBytes, stopped))
        {
            if (!await TryPublishAsync(term, () => PublishAsync(page, after, term.Fence, stopped), stopped))
                return;
            after = page.Next;
        }
    }

    /// <summary>Sends heartbeats until the lease is lost.</summary>
    public async Task HeartbeatAsync(Term term, CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.HeartbeatMilliseconds), clock);
        do
        {
            if (!await TryPublishAsync(term, () => SendHeartbeatAsync(term.Fence, stopped), stopped))
                return;
        } while (await timer.WaitForNextTickAsync(stopped));
    }

    public void Dispose() => _publishing.Dispose();

    /// <summary>Publishes after the message before.</summary>
    /// <returns>False, without a publish, once the lease is lost.</returns>
    private async Task<bool> TryPublishAsync(Term term, Func<Task> publish, CancellationToken stopped)
    {
        if (!term.StillLeads())
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

    private Task SendHeartbeatAsync(long fence, CancellationToken cancellationToken) =>
        redis.PublishAsync(new RelayPage(_epoch, fence, Relayed, Relayed, Sent: 0), [], cancellationToken);

    private async Task PublishAsync(EventPage page, long after, long fence, CancellationToken cancellationToken)
    {
        if (page.Epoch != _epoch)
        {
            logger.LogInformation("The store's epoch changed from {Old} to {New}", _epoch, page.Epoch);
            await redis.ReadSecretAsync(cancellationToken); // the store may have been replaced
            _epoch = page.Epoch;
            // The page lacks the events before it in the new history, so receivers without them must see a gap.
            Relayed = page.Events.Count == 0 ? page.Head : after;
            await SendHeartbeatAsync(fence, cancellationToken);
        }

        // Events that retention dropped before they were relayed must be a gap to receivers.
        Relayed = Math.Max(Relayed, page.DroppedThrough);
        if (page.Events.Count > 0)
            await PublishEventsAsync(page, fence, cancellationToken);

        Lag = Math.Max(0, page.Head - page.Through);
        metrics.Lag(Lag);
    }

    private async Task PublishEventsAsync(EventPage page, long fence, CancellationToken cancellationToken)
    {
        using var span = StoreTracing.StartBatch(
            "broadcaster relay",
            ActivityKind.Producer,
            page.Events.Select(e => e.TraceParent)
        );
        span?.SetTag("messaging.batch.message_count", page.Events.Count);

        var last = page.Events[^1].Position;
        await redis.PublishAsync(
            new RelayPage(page.Epoch, fence, Relayed, last, Sent: 0) { TraceParent = span?.Id },
            page.Events,
            cancellationToken
        );
        metrics.Relayed(page.Events.Count, clock.GetUtcNow() - page.Events[0].Time);
        Relayed = last;
    }
}
