using EventStore;

namespace Broadcaster;

/// <summary>Runs everything that only the leader does.</summary>
internal sealed class LeaderWork(
    Relay relay,
    OutboxMover outbox,
    RedisPublisher redis,
    Retention retention,
    TopicDirectory topics
)
{
    /// <summary>Works until the lease is lost, a part fails, or it is cancelled.</summary>
    public async Task RunAsync(Term term, CancellationToken cancellationToken)
    {
        await redis.ReadSecretAsync(cancellationToken);
        await relay.StartAsync(cancellationToken);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] work =
        [
            relay.TailAsync(term, stop.Token),
            relay.HeartbeatAsync(term, stop.Token),
            outbox.RunAsync(term, stop.Token),
            redis.RenewSecretAsync(stop.Token),
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
}
