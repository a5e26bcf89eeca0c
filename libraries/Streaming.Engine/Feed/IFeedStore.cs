using EventStore;

namespace Streaming.Feed;

/// <summary>The log for the feed. All reads except <see cref="TryHeadAsync"/>
/// and <see cref="ErasedThroughAsync"/> wait until the log answers.</summary>
internal interface IFeedStore
{
    /// <summary>Time since the log stopped answering, or null while it answers.</summary>
    TimeSpan? AwayFor { get; }

    /// <summary>Reads a page, however long it takes: no later event may be delivered first.</summary>
    Task<LogPage> ReadAsync(long after, CancellationToken cancellationToken);

    /// <summary>Reads the head. Null if the log does not answer.</summary>
    Task<LogPage?> TryHeadAsync(CancellationToken cancellationToken);

    IAsyncEnumerable<LogPage> FollowAsync(long after, CancellationToken cancellationToken);

    /// <summary>Reads a lineage, however long it takes. Null if a server answers that lacks the epoch.</summary>
    Task<Lineage?> LineageAsync(string epoch, CancellationToken cancellationToken);

    /// <summary>Returns the last position that the erasures of a time span concern, or 0 without one.</summary>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    Task<long> ErasedThroughAsync(TimeSpan age, CancellationToken cancellationToken);
}
