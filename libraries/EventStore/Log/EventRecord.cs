using System.Text.Json;

namespace AspireSse;

/// <summary>A committed event. Immutable; all readers of a replica share it.</summary>
/// <remarks>Needed to handle an event that was read, or to form it for the clients of a stream (<c>show</c>).</remarks>
/// <param name="Position">The event's place in the log. Positions grow in commit order and may have gaps.</param>
/// <param name="Type">The SSE event name of its frames.</param>
/// <param name="Key">The key by which <c>slow=latest</c> keeps the newest event, or null without one.</param>
/// <param name="Data">One compact line of JSON (UTF-8); empty if it was left out because of its size.</param>
/// <param name="Time">Time of the append of the event's batch, by Postgres's clock (UTC).</param>
public sealed record EventRecord(
    long Position,
    Guid Id,
    string Topic,
    string Type,
    string? Key,
    ReadOnlyMemory<byte> Data,
    DateTimeOffset Time,
    string? TraceParent
)
{
    /// <summary>Writes the whole event as JSON: <c>{"id","position","topic","type","key","data","time",
    /// "traceparent"}</c>, as in an envelope.</summary>
    /// <param name="json">A writer that expects a value.</param>
    /// <param name="id">The event's stream id, written as <c>position</c>.</param>
    public void WriteTo(Utf8JsonWriter json, string id)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteStartObject();
        json.WriteString("id"u8, Id);
        json.WriteString("position"u8, id);
        json.WriteString("topic"u8, Topic);
        json.WriteString("type"u8, Type);
        json.WriteString("key"u8, Key);
        json.WritePropertyName("data"u8);
        json.WriteRawValue(Data.Span, skipInputValidation: true);
        json.WriteString("time"u8, Time.UtcDateTime);
        json.WriteString("traceparent"u8, TraceParent);
        json.WriteEndObject();
    }
}
