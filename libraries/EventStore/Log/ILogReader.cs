namespace EventStore;

/// <summary>Reads the log in position order. Thread-safe.</summary>
internal interface ILogReader
{
    /// <summary>Reads a page of the matching events after a position. The caller reads on after
    /// <see cref="LogPage.Through"/> until that is the head.</summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="filter">The events wanted, or null for all.</param>
    /// <param name="limit">Maximum events, or null for <see cref="EventStoreOptions.PageEvents"/>.</param>
    /// <param name="mostData">Maximum bytes of an event's data: larger data is left out.</param>
    /// <param name="mostBytes">Maximum bytes of data of a page; its first event may exceed it. Null for
    /// <see cref="EventStoreOptions.MaxBatchBytes"/>.</param>
    /// <param name="cancellationToken">Cancels the read, in Postgres too.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    Task<LogPage> ReadAsync(
        long after,
        EventFilter? filter = null,
        int? limit = null,
        int mostData = int.MaxValue,
        int? mostBytes = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads the newest event of each key in a part of the log, and the range of the events that it leaves
    /// out. An event without a key counts by its topic.</summary>
    /// <param name="after">The last position that the caller has.</param>
    /// <param name="filter">The events wanted, or null for all.</param>
    /// <param name="mostBytes">Maximum bytes of data of a page, as for <see cref="ReadAsync"/>.</param>
    /// <param name="through">The <see cref="NewestPage.Through"/> of a part that did not fit into a page, to read its
    /// rest, or null to start a new part.</param>
    /// <param name="cancellationToken">Cancels the read, in Postgres too.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    Task<NewestPage> ReadNewestAsync(
        long after,
        EventFilter? filter = null,
        int? mostBytes = null,
        long? through = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads the epoch and the head: a page without events.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    Task<LogPage> HeadAsync(CancellationToken cancellationToken = default);
}
