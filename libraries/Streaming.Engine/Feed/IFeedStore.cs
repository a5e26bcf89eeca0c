using EventStore;

namespace Streaming.Feed;

/// <summary>The log for the feed. All reads except <see cref="TryHeadAsync"/> wait until the log answers.</summary>
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

    /// <summary>Calls back, until cancelled, with the last position that an erasure concerns: at once, and again for a
    /// minute, because an erased event may still be on its way.</summary>
    /// <param name="erased">Must not block.</param>
    Task ErasuresAsync(Action<long> erased, CancellationToken cancellationToken);
}
