using System.ComponentModel.DataAnnotations;

namespace StreamApi.Events;

/// <summary>Limits of publishing and of lists; section <c>Events</c>.</summary>
internal sealed class EventsOptions
{
    private ReservedTopics[] _reserved = [];

    /// <summary>Maximum bytes of one event as JSON. The clients of this project refuse more than 16 MiB, unless told
    /// otherwise.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int MaxEventBytes { get; set; } = 1024 * 1024;

    /// <summary>Maximum bytes of an event with its members. Escapes of letters (<c>\uXXXX</c>) take up to three times
    /// the event's bytes.</summary>
    internal int MaxLineBytes => 3 * MaxEventBytes + 4_096;

    /// <summary>Maximum events of one array. An array is appended in one step, which blocks other publishers.</summary>
    internal int MaxArrayEvents { get; set; } = 1_000;

    /// <summary>Bytes of data of an NDJSON request that are appended in one step; a single line may exceed it. Other
    /// publishers wait for the step.</summary>
    internal int NdjsonBatchBytes { get; set; } = 256 * 1024;

    /// <summary>Bytes of data at which a page of history ends, whatever its limit; one event may exceed it. It is held
    /// in parts, so this bounds only the time that a request takes.</summary>
    internal int MaxPageBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Maximum topics that one list examines for a client that may not read all, however many grants it has:
    /// twenty statements.</summary>
    internal int MaxScannedTopics { get; set; } = 20_000;

    /// <summary>True if only the server itself publishes to this topic. Features reserve their topics with
    /// <c>ReserveTopics</c>.</summary>
    public bool IsReserved(string topic)
    {
        foreach (var reserved in _reserved)
            if (reserved.Includes(topic))
                return true;
        return false;
    }

    public void Reserve(IEnumerable<ReservedTopics> topics) => _reserved = [.. topics];
}
