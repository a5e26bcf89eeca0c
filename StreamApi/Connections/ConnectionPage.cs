using System.Text.Json.Serialization;

namespace StreamApi.Connections;

/// <summary>One page of a listing; <c>next</c> is the id to continue after, null at the end.</summary>
internal sealed record ConnectionPage(
    IReadOnlyList<SseConnection> Connections,
    string? Next,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Partial
);
