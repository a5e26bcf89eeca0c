using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>Reads members of foreign JSON; null if a member is missing or of another kind, or if the JSON is no
/// object.</summary>
internal static class WireJson
{
    public static JsonElement? Object(JsonElement json, string name) => Get(json, name, JsonValueKind.Object);

    public static JsonElement? Array(JsonElement json, string name) => Get(json, name, JsonValueKind.Array);

    public static string? Text(JsonElement json, string name) => Get(json, name, JsonValueKind.String)?.GetString();

    public static long? Number(JsonElement json, string name) =>
        Get(json, name, JsonValueKind.Number) is { } value && value.TryGetInt64(out var number) ? number : null;

    private static JsonElement? Get(JsonElement json, string name, JsonValueKind kind) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : null;
}
