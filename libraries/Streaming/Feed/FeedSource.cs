namespace Streaming.Feed;

/// <summary>
/// Decides if events come from Redis or from Postgres alone: Postgres after
/// <see cref="StreamingOptions.RelayHeartbeatSeconds"/> without a message of the Broadcaster, Redis again from its next
/// message on. <see cref="LiveFeed"/> then reads there.
/// </summary>
internal sealed class FeedSource(TimeSpan timeout, TimeProvider clock, ILogger logger)
{
    private long _receivedAt = clock.GetTimestamp();

    public FeedMode Mode { get; private set; }

    /// <summary>Time until messages count as missing; not positive when it is over. They stay missing until one
    /// comes.</summary>
    public TimeSpan TimeLeft => Mode == FeedMode.Degraded ? TimeSpan.Zero : timeout - clock.GetElapsedTime(_receivedAt);

    /// <summary>Starts the time anew.</summary>
    public void Restart() => _receivedAt = clock.GetTimestamp();

    /// <summary>Switches to Redis.</summary>
    public void MessageReceived()
    {
        Restart();
        if (Mode == FeedMode.Degraded)
            logger.LogInformation("Heartbeats come from the Broadcaster again: events come from Redis");
        Mode = FeedMode.Live;
    }

    /// <summary>Switches to Postgres.</summary>
    public void MessagesMissing()
    {
        if (Mode == FeedMode.Degraded)
            return;
        logger.LogWarning(
            "No heartbeat from the Broadcaster for {Seconds} s: reading the log from Postgres",
            timeout.TotalSeconds
        );
        Mode = FeedMode.Degraded;
    }
}
