using System.ComponentModel.DataAnnotations;

namespace EventStore;

/// <summary>Limits of the log's client; section <c>EventStore</c>.</summary>
public sealed class EventStoreOptions
{
    /// <summary>The Redis channel of the relay. Systems that share a Redis need one each.</summary>
    [Required]
    public string Channel { get; set; } = "aspire-sse:events";

    /// <summary>Events older than this are dropped, a partition at a time.</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Most bytes that the log takes on disk; beyond, its oldest partitions are dropped. One partition takes
    /// an eighth.</summary>
    [Range(1024L * 1024, long.MaxValue)]
    public long MaxBytes { get; set; } = 50L * 1024 * 1024 * 1024;

    /// <summary>Seconds between looks for what may be dropped.</summary>
    [Range(1, 86_400)]
    public int RetentionSeconds { get; set; } = 60;

    /// <summary>Most events that one group commit joins.</summary>
    [Range(1, 10_000)]
    public int MaxBatchEvents { get; set; } = 1_000;

    /// <summary>Most bytes of data that one group commit joins, and that one page of a read returns (one event may
    /// exceed it).</summary>
    [Range(64 * 1024, 64 * 1024 * 1024)]
    public int MaxBatchBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Bytes of memory that events may take while they wait for a group commit. Beyond, a publisher that holds more
    /// than its equal part is refused (503);
    /// the others are not, up to twice as much in all.
    /// </summary>
    [Range(1024L * 1024, 1L << 34)]
    public long MaxPendingBytes { get; set; } = 32L * 1024 * 1024;

    /// <summary>Seconds until a command to Postgres is given up.</summary>
    [Range(1, 300)]
    public int CommandTimeoutSeconds { get; set; } = 15;

    /// <summary>Seconds for which Postgres may leave this process without an answer until <c>/health</c> says
    /// 503.</summary>
    [Range(1, 3_600)]
    public int UnhealthySeconds { get; set; } = 5;

    /// <summary>Most events of one read page.</summary>
    [Range(1, 10_000)]
    public int PageEvents { get; set; } = 1_000;

    /// <summary>Most rows that one search for a filter's events looks at: bounds the cost of a page.</summary>
    [Range(256, 100_000)]
    public int SearchRows { get; set; } = 4_000;

    /// <summary>How often the directory of topics follows the log, in milliseconds.</summary>
    [Range(50, 60_000)]
    public int TopicDirectoryMilliseconds { get; set; } = 1_000;

    /// <summary>Reads that clients ask for (history, topics, state) at once; the next waits for its turn, in rotation
    /// over the clients.</summary>
    [Range(1, 100)]
    public int ReadConnections { get; set; } = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Reads of one client that may wait for their turn on a replica; the next is answered 503.</summary>
    [Range(1, 100_000)]
    public int MaxWaitingReads { get; set; } = 500;

    /// <summary>Most connections for replays; the next waits for its turn.</summary>
    [Range(1, 100)]
    public int ReplayConnections { get; set; } = 4;

    /// <summary>Most connections for the features' own transactions; the next waits for its turn.</summary>
    [Range(1, 100)]
    public int WorkConnections { get; set; } = 20;

    /// <summary>How often the tail looks for new events although no notification came, in milliseconds.</summary>
    [Range(10, 60_000)]
    public int PollMilliseconds { get; set; } = 500;
}
