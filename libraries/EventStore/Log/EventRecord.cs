using System.Diagnostics;
using System.Text.Json;
using EventStore;

namespace AspireSse;

/// <summary>A committed event. Immutable; all readers of a replica share it.</summary>
/// <param name="Position">Its place in the log. Positions grow in commit order and may have gaps.</param>
/// <param name="Type">The SSE event name of its frames.</param>
/// <param name="Key">The key by which <c>slow=latest</c> keeps the newest event; null without one.</param>
/// <param name="Data">One compact line of JSON (UTF-8); empty if it was left out because of its size.</param>
/// <param name="Time">When its batch was appended, by Postgres's clock (UTC).</param>
public sealed record EventRecord(
    long Position,
    Guid Id,
    string Topic,
    string Type,
    string? Key,
    ReadOnlyMemory<byte> Data,
    DateTimeOffset Time,
    string? TraceParent
);

/// <summary>An event to append.</summary>
/// <param name="Topic">A topic without wildcards.</param>
/// <param name="Type">The SSE event name, without CR and LF; not one that streams send of themselves.</param>
/// <param name="Data">One compact line of JSON, checked by the caller.</param>
/// <param name="Id">The publisher's id, which makes the append idempotent for 24 h; null for a new id.</param>
public sealed record NewEvent(
    string Topic,
    string Type,
    string Data,
    string? Key = null,
    Guid? Id = null,
    string? TraceParent = null
)
{
    /// <summary>Creates an event whose data is a value as JSON.</summary>
    /// <param name="topic">A topic without wildcards; each hole of an interpolated string is one token.</param>
    /// <param name="type">The SSE event name, without CR and LF.</param>
    /// <param name="data">The value, which is written now.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event; null without one.</param>
    /// <param name="id">The id that makes a retry append nothing, for 24 h; null for a new one.</param>
    /// <param name="json">How the value is written: <see cref="IEventLog.Json"/> writes it as the application's
    /// endpoints do. Null: names in camel case, by reflection.</param>
    /// <exception cref="ArgumentException">The topic is a pattern, or a hole is no token; or the type is empty, has a
    /// line end, or is one that streams send of themselves.</exception>
    public static NewEvent Of<T>(
        EventTopic topic,
        string type,
        T data,
        string? key = null,
        Guid? id = null,
        JsonSerializerOptions? json = null
    )
    {
        var written = JsonSerializer.Serialize(data, (json ?? ReadableJsonEncoder.Web).TypeOf<T>());
        var made = new NewEvent(topic.ToString(), type, written, key, id, Activity.Current?.Id);
        made.Check();
        return made;
    }

    /// <exception cref="ArgumentException">As <see cref="Of{T}"/>.</exception>
    internal void Check()
    {
        if (!TopicPattern.IsTopic(Topic))
            throw new ArgumentException(
                $"'{Topic}' is not one topic: dot-separated tokens of [A-Za-z0-9_-], without wildcards."
            );
        if (Type.Length == 0 || Type.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new ArgumentException("A type has at least one character, and no line end.");
        if (ReservedTypes.Include(Type))
            throw new ArgumentException($"'{Type}' is reserved for the streams' own events: {ReservedTypes.Names}.");
    }

    /// <summary>The writer, if the topic is a run's: the event is refused once the run is no longer this writer's, and
    /// its id makes no retry idempotent.</summary>
    internal RunMark? Run { get; init; }
}

/// <summary>The writer of a run's event (<see cref="RunWriterLeases"/>). Nothing follows one that ends it.</summary>
internal sealed record RunMark(Guid Writer, bool Ends = false);

/// <summary>An event after its append; a retry gets the place of the first append.</summary>
public readonly record struct AppendedEvent(Guid Id, StreamPosition At);

/// <summary>An id was used for other content within the last 24 h. Nothing of the request was appended.</summary>
public sealed class EventConflictException(IReadOnlyList<Guid> ids)
    : Exception($"The id {string.Join(", ", ids)} was used for an event with other content. Use a new id.")
{
    /// <summary>The publisher's ids in the refused request; at least one of them was used before.</summary>
    public IReadOnlyList<Guid> Ids { get; } = ids;
}

/// <summary>The run has ended, perhaps because its writer lost its lease; nothing was appended.</summary>
internal sealed class RunFencedException(string run) : Exception($"The run {run} no longer belongs to this writer.");
