using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmGateway.Providers;

/// <summary>Reads members of foreign JSON, parsed or as nodes. A result is null if the member is missing or of another
/// kind, or if the JSON is not an object.</summary>
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
    public static JsonElement? ParseLeniently(string text) =>
        TryParse(text) ?? TryParse(NoNumber().Replace(text, match => match.Value[0] == '"' ? match.Value : "null"));

    /// <summary>Returns a copy that can be changed.</summary>
    public static JsonNode? NodeOf(JsonElement? json)
    {
        if (json is not { ValueKind: not JsonValueKind.Null } value)
            return null;
        if (value.ValueKind == JsonValueKind.Array)
            return new JsonArray([.. value.EnumerateArray().Select(item => NodeOf(item))]);
        if (value.ValueKind != JsonValueKind.Object)
            return JsonValue.Create(value);

        var copy = new JsonObject();
        foreach (var member in value.EnumerateObject())
            copy[member.Name] = NodeOf(member.Value);
        return copy;
    }

    public static JsonObject Object(params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        var json = new JsonObject();
        foreach (var (name, value) in members)
            json[name] = value;
        return json;
    }

    /// <summary>Makes an object with a type.</summary>
    public static JsonObject Typed(string type, params ReadOnlySpan<(string Name, JsonNode? Value)> members) =>
        Object([("type", type), .. members]);

    /// <summary>Makes an object of the members that are not null.</summary>
    public static JsonObject Known(params ReadOnlySpan<(string Name, JsonNode? Value)> members)
    {
        var json = Object(members);
        foreach (var (name, value) in members)
            if (value is null)
                json.Remove(name);
        return json;
    }

    /// <summary>Makes a list, or returns null if it would be empty.</summary>
    public static JsonArray? ListOf(IEnumerable<JsonNode?>? items) =>
        items?.ToArray() is { Length: > 0 } all ? new JsonArray(all) : null;

    /// <summary>Adds an item to the list that is a member.</summary>
    public static void Append(JsonObject json, string name, JsonNode item)
    {
        if (json[name] is not JsonArray list)
            json[name] = list = [];
        list.Add(item);
    }

    /// <summary>Returns JSON as if it had been parsed.</summary>
    public static JsonElement ElementOf(JsonNode json) =>
        JsonElement.Parse(json.ToJsonString(), new JsonDocumentOptions { MaxDepth = 2 * ParsedJson.MaxDepth });

    /// <summary>Returns a member, or null if its value is null.</summary>
    public static JsonElement? Get(JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } value
        && value.TryGetProperty(name, out var member)
        && member.ValueKind != JsonValueKind.Null
            ? member
            : null;

    public static JsonElement? Object(JsonElement? json, string name) =>
        Get(json, name) is { ValueKind: JsonValueKind.Object } member ? member : null;

    /// <summary>Returns an object, or the first one of a list.</summary>
    public static JsonElement? ObjectIn(JsonElement? json)
    {
        if (json is { ValueKind: JsonValueKind.Object })
            return json;
        foreach (var item in Items(json))
            if (item.ValueKind == JsonValueKind.Object)
                return item;
        return null;
    }

    /// <summary>Returns the items of a list, and none of any other value.</summary>
    public static JsonElement.ArrayEnumerator Items(JsonElement? list) =>
        list is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray() : default;

    public static string? Text(JsonElement? json, string name) => Text(Get(json, name));

    public static string? Text(JsonElement? value) =>
        value is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    /// <summary>Returns a text, or null if it is blank.</summary>
    public static string? Name(JsonElement? json, string name) =>
        Text(json, name) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;

    public static long? Number(JsonElement? json, string name) =>
        Get(json, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : null;

    /// <summary>Returns true for a member with this text.</summary>
    public static bool Is(JsonElement? json, string name, string text) =>
        Get(json, name) is { ValueKind: JsonValueKind.String } value && value.ValueEquals(text);

    public static JsonArray? Array(JsonNode? json, string name) => Get(json, name) as JsonArray;

    public static string? Text(JsonNode? json, string name) => Text(Get(json, name));

    public static string? Text(JsonNode? value) =>
        value is JsonValue one && one.TryGetValue<string>(out var text) ? text : null;

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

    private static JsonElement? TryParse(string text)
    {
        try
        {
            return JsonElement.Parse(text, new JsonDocumentOptions { MaxDepth = ParsedJson.MaxDepth });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Finds texts, which stay, and the words of Python for numbers that are none.</summary>
    [GeneratedRegex(@"""(?:[^""\\]|\\.)*""|-?\bInfinity\b|\bNaN\b", RegexOptions.Singleline)]
    private static partial Regex NoNumber();
}
