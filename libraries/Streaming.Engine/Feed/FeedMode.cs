namespace Streaming.Feed;

internal enum FeedMode
{
    /// <summary>No message has come yet.</summary>
    Starting,

    /// <summary>Events come from the source, and the store fills gaps.</summary>
    Live,

    /// <summary>Redis or the Broadcaster is down, and events come from Postgres alone.</summary>
    Degraded,
}
