using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EventStore;

/// <summary>Relays the log from the head on, but for commits that their replicas have sent; the first heartbeat lets
/// receivers notice events that a former leader did not send.</summary>
internal sealed class Relay(
    EventReader reader,
    EventTail tail,
    RedisPublisher redis,
    RelayMetrics metrics,
    TimeProvider clock,
    IOptions<RelayOptions> options,
    ILogger<Relay> logger
) : ILeaderTask, IDisposable
{
    /// <summary>Held during a publish, so that no message overtakes another.</summary>
    private readonly SemaphoreSlim _publishing = new(1);

    private readonly RelayCore _core = new();

    public long Relayed => _core.Relayed;

    public long Lag => _core.Lag;

    public async Task RunAsync(Term term, CancellationToken stopped)
    {
        await redis.ReadSecretAsync(stopped);
        _core.Start(await reader.HeadAsync(stopped));
        await RestartingService.TogetherAsync(
            stopped,
            stop => TailAsync(term, stop),
            stop => HeartbeatAsync(term, stop),
            stop => redis.HearAsync(_core.Hear, stop),
            redis.RenewSecretAsync
        );
    }

    private async Task TailAsync(Term term, CancellationToken stopped)
    {
        var after = 0L;
        await foreach (var page in tail.FollowAsync(ReadNextAsync, position => position <= Relayed, stopped))
            if (!await TryPublishAsync(term, () => PublishAsync(page, after, term.Fence, stopped), stopped))
                return;

        Task<LogPage> ReadNextAsync(CancellationToken stop)
        {
            after = Relayed;
            return reader.ReadAsync(after, mostData: options.Value.MaxDataBytes, cancellationToken: stop);
        }
    }

    private async Task HeartbeatAsync(Term term, CancellationToken stopped)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.HeartbeatMilliseconds), clock);
        do
        {
            var heartbeat = _core.Heartbeat(term.Fence);
            // Pages that were heard a moment ago may still be on their way to others, who would see a gap.
            await Task.Delay(EventTail.DirectTime, clock, stopped);
            if (!await TryPublishAsync(term, () => redis.PublishAsync(heartbeat, [], stopped), stopped))
                return;
        } while (await timer.WaitForNextTickAsync(stopped));
    }

    public void Dispose() => _publishing.Dispose();

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

    private async Task PublishAsync(LogPage page, long after, long fence, CancellationToken cancellationToken)
    {
        if (_core.IsOfNewEpoch(page))
        {
            logger.LogInformation("The store's epoch has changed to {New}", page.Epoch);
            await redis.ReadSecretAsync(cancellationToken); // the store may have been replaced
        }

        if (_core.TryEnter(page, after))
            await redis.PublishAsync(_core.Heartbeat(fence), [], cancellationToken);
        if (_core.Next(page, fence) is { } message)
            await PublishEventsAsync(message, EventsOf(message, page), cancellationToken);

        metrics.Lag(Lag);
    }

    private static IReadOnlyList<EventRecord> EventsOf(RelayPage message, LogPage page) =>
        page.Events[0].Position > message.Previous
            ? page.Events
            : [.. page.Events.Where(e => e.Position > message.Previous)];

    private async Task PublishEventsAsync(
        RelayPage message,
        IReadOnlyList<EventRecord> events,
        CancellationToken cancellationToken
    )
    {
        using var span = EventTracing.StartBatch("broadcaster relay", ActivityKind.Producer, events);
        await redis.PublishAsync(message with { TraceParent = span?.Id }, events, cancellationToken);
        metrics.Relayed(events.Count, clock.GetUtcNow() - events[0].Time);
    }
}
