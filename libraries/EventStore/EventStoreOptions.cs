using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;

namespace AspireSse;

/// <summary>Settings of the event log in this process; section <c>AspireSse:EventStore</c>.</summary>
/// <remarks>Needed by code that reads the log's settings, such as an endpoint that refuses batches above
/// <see cref="MaxBatchBytes"/>. An internal property is a constant for operators, because no key sets it; only tests
/// change it.</remarks>
public sealed class EventStoreOptions
{
    /// <summary>The Redis channel of the Broadcaster's messages. Systems that share a Redis need different
    /// channels.</summary>
    [Required]
    public string Channel { get; set; } = "aspire-sse:events";

    /// <summary>The channel of the pages that replicas send of their own commits. It begins with <see cref="Channel"/>,
    /// for Redis users who may use only such names, and is on the same node of a cluster, so that a replica has both or
    /// none.</summary>
    internal string DirectChannel => $"{Channel}:direct:{{{Channel}}}";

    /// <summary>Age after which events, and what is kept beside them, are dropped. A partition, which has the events of
    /// an eighth of it, is dropped once all of them are older.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The framework always converts a TimeSpan.")]
    [Range(typeof(TimeSpan), "00:00:00.001", "36500.00:00:00", ParseLimitsInInvariantCulture = true)]
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Maximum bytes of the log on disk, with the topics and the publishers' ids; beyond it the oldest
    /// partitions are dropped. A partition takes at most an eighth of it.</summary>
    [Range(1024L * 1024, long.MaxValue)]
    public long MaxBytes { get; set; } = 50L * 1024 * 1024 * 1024;

    /// <summary>Seconds between checks for events to drop.</summary>
    internal int RetentionSeconds { get; set; } = 60;

    /// <summary>Maximum events of a group commit.</summary>
    internal int MaxBatchEvents { get; set; } = 1_000;

    /// <summary>Maximum bytes of data of a group commit; a single request may exceed it. It is small because all other
    /// publishers wait for the commit.</summary>
    internal int MaxCommitBytes { get; set; } = 256 * 1024;

    /// <summary>Maximum bytes of data of a request, and of a page of a read. The first event of a page may exceed
    /// it.</summary>
    public int MaxBatchBytes { get; internal set; } = 4 * 1024 * 1024;

    /// <summary>Maximum bytes of events that wait for a group commit. Beyond it, publishers above an equal share are
    /// refused (503), and others are accepted up to twice the maximum.</summary>
    internal long MaxPendingBytes { get; set; } = 32L * 1024 * 1024;

    /// <summary>Seconds after which a command to Postgres is cancelled.</summary>
    [Range(1, 300)]
    public int CommandTimeoutSeconds { get; set; } = 15;

    /// <summary>Seconds without an answer from Postgres after which <c>/health</c> is 503.</summary>
    internal int UnhealthySeconds { get; set; } = 5;

    /// <summary>Maximum events of a page of a read.</summary>
    internal int PageEvents { get; set; } = 1_000;

    /// <summary>Maximum rows that a search for a filter's events reads. Bounds the cost of a page.</summary>
    internal int SearchRows { get; set; } = 4_000;

    /// <summary>Milliseconds between updates of the directory of topics.</summary>
    internal int TopicDirectoryMilliseconds { get; set; } = 1_000;

    /// <summary>Maximum reads for clients' requests (history, topics, state) at once. Others wait in turns.</summary>
    internal int ReadConnections { get; set; } = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Maximum connections for replays; further ones wait for their turn.</summary>
    [Range(1, 100)]
    public int ReplayConnections { get; set; } = 4;

    /// <summary>Maximum connections for the features' own transactions; further ones wait for their turn.</summary>
    [Range(1, 100)]
    public int WorkConnections { get; set; } = 8;

    /// <summary>Milliseconds after which the tail reads the log although no notification came.</summary>
    internal int PollMilliseconds { get; set; } = 500;
}
