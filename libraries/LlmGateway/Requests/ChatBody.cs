using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmGateway.Requests;

/// <summary>Reads request bodies member by member, so that an error names the member.</summary>
internal static class ChatBody
{
    /// <summary>Longest name, in UTF-16 code units.</summary>
    public const int MaxName = 256;

    /// <summary>Most messages of a request, parts of a message, and tool calls of a message.</summary>
    public const int MaxMessages = 2_048;

    /// <summary>Most tools of a request.</summary>
    public const int MaxTools = 128;

    /// <summary>Longest stop sequence, in UTF-16 code units: 256 letters, or 128 emoji.</summary>
    public const int MaxStopCharacters = 256;

    /// <summary>Copies of a body in memory: its JSON, for a provider with the same API, and its messages in
    /// UTF-16.</summary>
    private const int Copies = 3;

    private const string HalfPair = "has half of a surrogate pair, which UTF-8 cannot encode.";

    /// <summary>
    /// Reads the body, which must be an object. Guarantees that every text in it is valid Unicode, and that no object
    /// has a member twice.
    /// </summary>
    /// <exception cref="InvalidChatException">The body is not such an object, or longer than the limit.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context, int maxBytes)
    {
        try
        {
            using var json = await JsonRequest.ReadAsync(context, maxBytes, Copies);
            return Checked(json.Root).Clone();
        }
        catch (InvalidRequestException e) when (e is not InvalidChatException)
        {
            throw new InvalidChatException(e.Field, e.Problem, e.Status);
        }
    }

    /// <summary>Checks a body that was read elsewhere, and returns it with the guarantees of
    /// <see cref="ReadAsync"/>.</summary>
    /// <exception cref="InvalidChatException">The body is not such an object.</exception>
    public static JsonElement Checked(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException("body", "must be a JSON object.");

        try
        {
            return Repeated(body) is { } member
                ? throw new InvalidChatException(member.Length <= MaxName ? member : "body", "occurs twice.")
                : body;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidChatException("body", HalfPair);
        }
    }

    /// <summary>Returns the bytes of memory that messages with the texts of a body, or of a part of it, take.</summary>
    public static long MemoryOf(JsonElement json) =>
        JsonRequest.MemoryOf(JsonMarshal.GetRawUtf8Value(json), sizeof(char));

    /// <summary>Returns a value that must be an object.</summary>
    /// <param name="path">Path of its members.</param>
    public static JsonElement Object(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Object
            ? value
            : throw new InvalidChatException(path.TrimEnd('.'), "must be an object.");

    public static string? Text(JsonElement json, string name, string path = "")
    {
        if (Get(json, name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidChatException(path + name, "must be a string.");

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new InvalidChatException(path + name, HalfPair);
        }
    }

    /// <summary>Reads a text that must be present.</summary>
    public static string RequiredText(JsonElement json, string name, string path) =>
        Text(json, name, path) ?? throw new InvalidChatException(path + name, "is required.");

    /// <summary>
    /// Reads a short text: a model, a role, a tool's name. Answers, telemetry and errors repeat it, so a long one would
    /// multiply the cost of a request.
    /// </summary>
    public static string? Name(JsonElement json, string name, string path = "", int max = MaxName)
    {
        var text = Text(json, name, path);
        return text is null || text.Length <= max
            ? text
            : throw new InvalidChatException(path + name, $"has at most {max} characters.");
    }

    /// <summary>Reads a name that must be present and not blank.</summary>
    public static string RequiredName(JsonElement json, string name, string path, string missing, int max = MaxName) =>
        Name(json, name, path, max) is { } text && !string.IsNullOrWhiteSpace(text)
            ? text
            : throw new InvalidChatException(path + name, missing);

    /// <summary>Reads a list of bounded length, or returns null if the member is missing.</summary>
    public static JsonElement? List(JsonElement json, string name, int max, string typeError, string path = "")
    {
        if (Get(json, name) is not { } list)
            return null;
        if (list.ValueKind != JsonValueKind.Array)
            throw new InvalidChatException(path + name, typeError);

        return list.GetArrayLength() <= max
            ? list
            : throw new InvalidChatException(
                path + name,
                $"has at most {max} items; here are {list.GetArrayLength()}."
            );
    }

    /// <summary>Reads stop sequences. Their number is bounded, because the demo model searches its text for each of
    /// them.</summary>
    public static List<string>? StopSequences(JsonElement json, string name, int max, string typeError)
    {
        if (List(json, name, max, typeError) is not { } list)
            return null;

        var stops = new List<string>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
                throw new InvalidChatException(name, typeError);
            if (item.GetString() is { } stop && stop.Length > MaxStopCharacters)
                throw new InvalidChatException(name, $"has texts of at most {MaxStopCharacters} characters.");
            stops.Add(item.GetString()!);
        }

        return stops;
    }

    public static bool Flag(JsonElement json, string name) =>
        Get(json, name) is { } value
        && (
            value.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? value.GetBoolean()
                : throw new InvalidChatException(name, "must be true or false.")
        );

    /// <summary>Reads a flag, or returns null if the member is missing.</summary>
    public static bool? OptionalFlag(JsonElement json, string name) =>
        Get(json, name) is null ? null : Flag(json, name);

    /// <summary>Reads a number from 0 to <paramref name="max"/>.</summary>
    public static float? Number(JsonElement json, string name, int max) =>
        Get(json, name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && number >= 0 && number <= max
            ? number
        : throw new InvalidChatException(name, $"must be a number from 0 to {max}.");

    /// <summary>Reads a positive whole number from the first of the named members that is present.</summary>
    public static int? Count(JsonElement json, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Get(json, name) is { } value)
                return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count > 0
                    ? count
                    : throw new InvalidChatException(name, "must be a whole number from 1.");
        return null;
    }

    /// <summary>Returns a member, or null if it is missing or its value is null.</summary>
    public static JsonElement? Get(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Returns true if a member changes nothing: it is false, empty, or asks for text.</summary>
    public static bool IsDefault(string name, JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.False => true,
            JsonValueKind.Array => value
                .EnumerateArray()
                .All(v => v.ValueKind == JsonValueKind.String && v.ValueEquals("text")),
            JsonValueKind.Object => name == "response_format"
                ? Get(value, "type") is { ValueKind: JsonValueKind.String } type && type.ValueEquals("text")
                : !value.EnumerateObject().Any(),
            _ => false,
        };

    /// <summary>
    /// Finds a member that occurs twice in its object, at any depth, or null if there is none. Readers differ in which
    /// of the two they take, so a provider might act on a value that was not checked.
    /// </summary>
    /// <returns>The member's path, such as <c>tools[0].name</c>.</returns>
    /// <exception cref="InvalidOperationException">A text or a name before it is not valid Unicode.</exception>
    private static string? Repeated(JsonElement value)
    {
        // The bytes are UTF-8, so only an escape can be half of a surrogate pair, at which GetString throws. A text
        // without escapes is skipped, because GetString makes a copy, which may have megabytes.
        if (value.ValueKind == JsonValueKind.String && JsonMarshal.GetRawUtf8Value(value).Contains((byte)'\\'))
            value.GetString();

        if (value.ValueKind == JsonValueKind.Array)
        {
            var index = 0;
            foreach (var item in value.EnumerateArray())
            {
                if (Repeated(item) is { } inner)
                    return PathOf($"[{index}]", inner);
                index++;
            }
        }

        if (value.ValueKind != JsonValueKind.Object)
            return null;

        var names = new HashSet<string>(StringComparer.Ordinal);

        foreach (var member in value.EnumerateObject())
        {
            if (!names.Add(member.Name))
                return member.Name;
            if (Repeated(member.Value) is { } inner)
                return PathOf(member.Name, inner);
        }

        return null;

        static string PathOf(string outer, string inner) => inner.StartsWith('[') ? outer + inner : $"{outer}.{inner}";
    }
}
