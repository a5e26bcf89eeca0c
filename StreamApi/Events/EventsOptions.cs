using System.ComponentModel.DataAnnotations;
using Streaming.Access;

namespace StreamApi.Events;

/// <summary>Limits of publishing, subscriptions and history; section <c>Events</c>.</summary>
internal sealed class EventsOptions
{
    private ReservedTopics[] _reserved = [];

    /// <summary>Maximum bytes of one event as JSON. This project's clients refuse more than 16 MiB.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxEventBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Maximum bytes of one request that is not NDJSON. The data of an array is also limited by
    /// <c>EventStore:MaxBatchBytes</c>.
    /// </summary>
    [Range(1_024, 1 << 30)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Maximum characters of a type or key.</summary>
    [Range(16, 4_096)]
    public int MaxNameLength { get; set; } = 256;

    /// <summary>Maximum tokens of a topic or pattern.</summary>
    [Range(1, 128)]
    public int MaxDepth { get; set; } = 32;

    /// <summary>Maximum topics, types or keys of one subscription.</summary>
    [Range(1, 10_000)]
    public int MaxFilters { get; set; } = 100;

    /// <summary>Maximum tokens of all topics and patterns of one subscription, which take memory while it is
    /// open.</summary>
    [Range(1, 100_000)]
    public int MaxFilterTokens { get; set; } = 1_024;

    /// <summary>Default number of events of a history page.</summary>
    [Range(1, 10_000)]
    public int DefaultPage { get; set; } = 100;

    /// <summary>Maximum number of events of a history page; a greater limit is reduced to it.</summary>
    [Range(1, 10_000)]
    public int MaxPage { get; set; } = 1_000;

    /// <summary>Bytes of data at which a history page ends. One read of the log (<c>EventStore:MaxBatchBytes</c>) may
    /// exceed it.</summary>
    [Range(1_024, 1 << 30)]
    public int MaxPageBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Maximum topics that one <c>GET /v1/topics</c> examines for a client that may not read all of them; its
    /// <c>next</c> continues.</summary>
    [Range(1, 1_000_000)]
    public int MaxScannedTopics { get; set; } = 20_000;

    /// <summary>Maximum events of one array, which is appended in one step that blocks other publishers.</summary>
    [Range(1, 1_000_000)]
    public int MaxArrayEvents { get; set; } = 1_000;

    /// <summary>Maximum events of one NDJSON request.</summary>
    [Range(1, 10_000_000)]
    public int MaxNdjsonEvents { get; set; } = 100_000;

    /// <summary>Maximum NDJSON lines appended in one step.</summary>
    [Range(1, 10_000)]
    public int NdjsonBatch { get; set; } = 500;

    /// <summary>Maximum bytes of data appended in one step, for which other publishers wait; a single line may exceed
    /// it.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int NdjsonBatchBytes { get; set; } = 256 * 1024;

    /// <summary>
    /// True if only the server itself publishes to this topic. Features reserve their topics with <c>ReserveTopics</c>.
    /// </summary>
    public bool IsReserved(string topic)
    {
        foreach (var reserved in _reserved)
            if (reserved.Includes(topic))
                return true;
        return false;
    }

    public void Reserve(IEnumerable<ReservedTopics> topics) => _reserved = [.. topics];
}
