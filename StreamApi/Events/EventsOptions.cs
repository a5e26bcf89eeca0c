using System.ComponentModel.DataAnnotations;
using Streaming.Access;

namespace StreamApi.Events;

/// <summary>Limits of publish and history; section <c>Events</c>.</summary>
internal sealed class EventsOptions
{
    private ReservedTopics[] _reserved = [];

    /// <summary>Most bytes of one event, as JSON.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxEventBytes { get; set; } = 1024 * 1024;

    /// <summary>Most bytes of one request that is not NDJSON; the data of an array also have no more than
    /// <c>EventStore:MaxBatchBytes</c>.</summary>
    [Range(1_024, 1 << 30)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Most characters of a type or key.</summary>
    [Range(16, 4_096)]
    public int MaxNameLength { get; set; } = 256;

    /// <summary>Most tokens of a topic or pattern.</summary>
    [Range(1, 128)]
    public int MaxDepth { get; set; } = 32;

    /// <summary>Most topics, types or keys of one subscription.</summary>
    [Range(1, 10_000)]
    public int MaxFilters { get; set; } = 100;

    /// <summary>Events of one history page where the request says nothing, and at most.</summary>
    [Range(1, 10_000)]
    public int DefaultPage { get; set; } = 100;

    /// <summary>A greater limit is clamped to this.</summary>
    [Range(1, 10_000)]
    public int MaxPage { get; set; } = 1_000;

    /// <summary>Bytes of data from which on a history page is full, whatever its limit; at most one read of the log
    /// (<c>EventStore:MaxBatchBytes</c>) exceeds it.</summary>
    [Range(1_024, 1 << 30)]
    public int MaxPageBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Most events of one array: all or nothing, it has the log to itself while it is appended.</summary>
    [Range(1, 1_000_000)]
    public int MaxArrayEvents { get; set; } = 1_000;

    /// <summary>Most events of one NDJSON request.</summary>
    [Range(1, 10_000_000)]
    public int MaxNdjsonEvents { get; set; } = 100_000;

    /// <summary>Most NDJSON lines appended at once.</summary>
    [Range(1, 10_000)]
    public int NdjsonBatch { get; set; } = 500;

    /// <summary>Most bytes of data of those; one line may exceed it. Small, since others' publishes wait for a batch
    /// that has begun.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int NdjsonBatchBytes { get; set; } = 256 * 1024;

    /// <summary>Whether only the server itself publishes to this topic; the features register theirs.</summary>
    public bool IsReserved(string topic)
    {
        foreach (var reserved in _reserved)
            if (reserved.Includes(topic))
                return true;
        return false;
    }

    public void Reserve(IEnumerable<ReservedTopics> topics) => _reserved = [.. topics];
}
