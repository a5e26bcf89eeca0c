using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>Reads members of foreign JSON. A result is null if the member is missing or of another kind, or if the JSON
/// is not an object.</summary>
internal static partial class WireJson
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

    /// <summary>Parses text as other parsers do: of a member that is there twice the last counts, and numbers that JSON
    /// does not have, which Python writes, are null. Null if the text is not JSON even so.</summary>
    public static JsonNode? ParseLeniently(string text)
    {
        if (Parse(text) is { } json)
            return json;

        try
        {
            var finite = NoNumber().Replace(text, match => match.Value[0] == '"' ? match.Value : "null");
            using var document = JsonDocument.Parse(finite, new JsonDocumentOptions { MaxDepth = ParsedJson.MaxDepth });
            return NodeOf(document.RootElement);
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

    private static JsonNode? NodeOf(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.Object => new JsonObject(
                json.EnumerateObject()
                    .GroupBy(member => member.Name, member => member.Value)
                    .Select(all => KeyValuePair.Create(all.Key, NodeOf(all.Last())))
            ),
            JsonValueKind.Array => new JsonArray([.. json.EnumerateArray().Select(NodeOf)]),
            JsonValueKind.Null => null,
            _ => JsonValue.Create(json.Clone()),
        };

    /// <summary>Finds texts, which stay, and the words of Python for numbers that are none.</summary>
    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""|-?\bInfinity\b|\bNaN\b", RegexOptions.Singleline)]
    private static partial Regex NoNumber();
}
