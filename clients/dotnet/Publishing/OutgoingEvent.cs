using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace AspireSse.Client.Publishing;

/// <summary>
/// An event to publish. Immutable; publishing the same instance again publishes the same event (<see cref="Id"/>).
/// </summary>
/// <param name="Topic">Dot-separated tokens of <c>[A-Za-z0-9_-]</c>, at most 256 characters.</param>
/// <param name="Type">The SSE event name.</param>
/// <param name="Data">One JSON value as UTF-8, at most 1 MiB.</param>
public sealed record OutgoingEvent(string Topic, string Type, ReadOnlyMemory<byte> Data)
{
    /// <summary>The subject of the event: <c>slow=latest</c> keeps the newest event of each key.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// Makes retries idempotent: within 24 h the server appends an id once and gives the same answer each time.
    /// </summary>
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>Creates an event with <paramref name="data"/> as JSON.</summary>
    public static OutgoingEvent Create<T>(string topic, string type, T data, JsonTypeInfo<T> json) =>
        new(topic, type, JsonSerializer.SerializeToUtf8Bytes(data, json));

    /// <summary>
    /// Creates an event with <paramref name="data"/> as JSON by reflection, with web defaults (camelCase) if <paramref
    /// name="options"/> is null.
    /// </summary>
    [
        RequiresUnreferencedCode("Uses reflection. Pass a JsonTypeInfo in trimmed applications."),
        RequiresDynamicCode("Uses reflection. Pass a JsonTypeInfo with ahead-of-time compilation.")
    ]
    public static OutgoingEvent Create<T>(string topic, string type, T data, JsonSerializerOptions? options = null) =>
        new(topic, type, JsonSerializer.SerializeToUtf8Bytes(data, options ?? JsonSerializerOptions.Web));

    /// <exception cref="JsonException">The data is not one JSON value.</exception>
    internal void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, Id);
        json.WriteString("topic"u8, Topic);
        json.WriteString("type"u8, Type);

        if (Key is not null)
            json.WriteString("key"u8, Key);

        json.WritePropertyName("data"u8);

        // Reformatted, because line breaks between tokens would split an NDJSON line.
        using (var data = JsonDocument.Parse(Data))
            data.RootElement.WriteTo(json);

        json.WriteEndObject();
    }
}

/// <summary>An event that the server has stored durably.</summary>
/// <param name="Id">The id as published.</param>
/// <param name="Position">The event's stream id.</param>
public sealed record PublishedEvent(Guid Id, string Position);

internal sealed record PublishAnswer(int Accepted, IReadOnlyList<PublishedEvent> Events);
