namespace Streaming.Feed;

/// <summary>Where this replica's events come from.</summary>
internal enum FeedMode
{
    /// <summary>Nothing has been read yet.</summary>
    Starting,

    /// <summary>Redis, checked and repaired against the store.</summary>
    Live,

    /// <summary>No beat: it tails Postgres by itself.</summary>
    Degraded,
}
