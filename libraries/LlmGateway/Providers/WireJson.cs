using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmGateway.Providers;

/// <summary>Reads members of foreign JSON. Null if a member is missing or of another kind, or if the JSON is no
/// object.</summary>
internal static class WireJson
{
    // A member twice in its object would be a failure at its first reader.
    private static readonly JsonDocumentOptions Unambiguous = new() { AllowDuplicateProperties = false };

    /// <summary>Parses text. Null if it is no JSON, or nested deeper.</summary>
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

    /// <summary>A text that is not blank.</summary>
    public static string? Name(JsonNode? json, string name) =>
        Text(json, name) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    /// <summary>A whole number. JSON that was made here has <see cref="int"/> and <see cref="long"/>, JSON that was
    /// read has neither: <see cref="JsonValue.TryGetValue"/> finds only the type that was put in.</summary>
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
