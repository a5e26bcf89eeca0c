using System.Text.Json.Serialization;

namespace Harness.Worlds;

/// <summary>An event as a client publishes it.</summary>
internal sealed record EventBody(
    [property: JsonPropertyName("topic")] string Topic,
    [property: JsonPropertyName("type")] string Type,
    [property: JsonPropertyName("data")] object? Data,
    [property: JsonPropertyName("key"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Key = null,
    [property: JsonPropertyName("id"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? Id = null
);
