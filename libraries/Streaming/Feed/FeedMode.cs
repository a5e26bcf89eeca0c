namespace Streaming.Feed;

/// <summary>Source of this replica's events; <see cref="FeedSource"/> decides it.</summary>
internal enum FeedMode
{
    /// <summary>Nothing has been read yet.</summary>
    Starting,

    /// <summary>Events come from Redis, and the store fills gaps.</summary>
    Live,

    /// <summary>Redis or the Broadcaster is down, and events come from Postgres alone.</summary>
    Degraded,
}
