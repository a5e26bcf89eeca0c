using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmGateway.Providers;

/// <summary>Reads members of foreign JSON. A result is null if the member is missing or of another kind, or if the JSON
/// is not an object.</summary>
internal static class WireJson
{
    // Without this option, an object with a member twice would throw at its first read.
    private static readonly JsonDocumentOptions Unambiguous = new() { AllowDuplicateProperties = false };

    /// <summary>Parses text. Null if the text is not JSON, or is nested deeper than the maximum.</summary>
    public static JsonNode? Parse(string text, int maxDepth = ParsedJson.MaxDepth)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Unambiguous with { MaxDepth = maxDepth });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static JsonObject? Object(JsonNode? json, string name) => Get(json, name) as JsonObject;

    public static JsonArray? Array(JsonNode? json, string name) => Get(json, name) as JsonArray;

    public static string? Text(JsonNode? json, string name) => Text(Get(json, name));

    public static string? Text(JsonNode? value) =>
        value is JsonValue one && one.TryGetValue<string>(out var text) ? text : null;

    /// <summary>Returns a text, or null if it is blank.</summary>
    public static string? Name(JsonNode? json, string name) =>
        Text(json, name) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    /// <summary>Returns a whole number from its text. <see cref="JsonValue.TryGetValue"/> finds only the type that a
    /// value was made with, which is <see cref="int"/> or <see cref="long"/> in JSON of this server, and neither in
    /// parsed JSON.</summary>
    public static long? Number(JsonNode? json, string name) =>
        Get(json, name) is JsonValue value
        && value.GetValueKind() == JsonValueKind.Number
        && long.TryParse(
            value.ToJsonString(),
            NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var number
        )
            ? number
            : null;

    public static JsonNode? Get(JsonNode? json, string name) => (json as JsonObject)?[name];
}
