using System.Text.Json;

namespace AspireSse;

/// <summary>A committed event. Immutable; all readers of a replica share it.</summary>
/// <remarks>Needed to handle an event that was read, or to form it for the clients of a stream (<c>show</c>).</remarks>
public sealed record EventRecord
{
    /// <summary>The event's place in the log: the SSE <c>id</c> of its frames. Positions grow in commit order and may
    /// have gaps.</summary>
    public required StreamPosition At { get; init; }

    /// <summary>The id that the publisher gave the event, or the log.</summary>
    public required Guid Id { get; init; }

    /// <summary>The topic, without wildcards.</summary>
    public required string Topic { get; init; }

    /// <summary>The SSE event name of its frames.</summary>
    public required string Type { get; init; }

    /// <summary>The key by which <c>slow=latest</c> keeps the newest event, or null without one.</summary>
    public string? Key { get; init; }

    /// <summary>One compact line of JSON (UTF-8); empty if it was left out because of its size.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Time of the append of the event's batch, by Postgres's clock (UTC).</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The trace that the event belongs to, or null without one.</summary>
    public string? TraceParent { get; init; }

    internal long Position => At.Position;

    /// <summary>Writes the whole event as JSON: <c>{"id","position","topic","type","key","data","time",
    /// "traceparent"}</c>, as in an envelope.</summary>
    /// <param name="json">A writer that expects a value.</param>
    public void WriteTo(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        WriteTo(json, At.ToString());
    }

    /// <summary>Writes the event under a stream id that exists as text already.</summary>
    internal void WriteTo(Utf8JsonWriter json, string id)
    {
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
