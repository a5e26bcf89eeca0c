namespace Streaming.Feed;

/// <summary>Source of this replica's events; <see cref="LiveFeed"/> switches between them.</summary>
internal enum FeedMode
{
    /// <summary>Nothing has been read yet.</summary>
    Starting,

    /// <summary>Events come from Redis, and the store fills gaps.</summary>
    Live,

    /// <summary>
    /// Redis or the Broadcaster is down: without a heartbeat for
    /// <see cref="StreamingOptions.RelayHeartbeatSeconds"/>, events come from Postgres alone until the next one.
    /// </summary>
    Degraded,
}
