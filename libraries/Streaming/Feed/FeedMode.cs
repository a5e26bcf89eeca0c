namespace Streaming.Feed;

/// <summary>Source of this replica's events.</summary>
internal enum FeedMode
{
    /// <summary>Nothing has been read yet.</summary>
    Starting,

    /// <summary>Events come from Redis, and the store fills gaps.</summary>
    Live,

    /// <summary>No heartbeat has come, so events come from Postgres alone.</summary>
    Degraded,
}
