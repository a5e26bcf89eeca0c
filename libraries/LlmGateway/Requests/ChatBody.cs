using System.Runtime.InteropServices;

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

    /// <summary>
    /// Reads the body, which must be an object. Guarantees that every text in it is valid Unicode, and that no object
    /// has a member twice.
    /// </summary>
    /// <exception cref="InvalidRequestException">The body is not such an object, or longer than the limit.</exception>
    public static async Task<RequestValue> ReadAsync(HttpContext context, int maxBytes)
    {
        using var json = await JsonRequest.ReadAsync(context, maxBytes, Copies);
        return new RequestValue(Checked(json.Root).Json.Clone());
    }

    /// <summary>Checks a body that was read elsewhere, and returns it with the guarantees of
    /// <see cref="ReadAsync"/>.</summary>
    /// <exception cref="InvalidChatException">The body is not such an object.</exception>
    public static RequestValue Checked(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
            throw new InvalidChatException("body", "must be a JSON object.");

        try
        {
            return Repeated(body) is { } member
                ? throw new InvalidChatException(member.Length <= MaxName ? member : "body", "occurs twice.")
                : new RequestValue(body);
        }
        catch (InvalidOperationException)
        {
            throw new InvalidChatException("body", "has half of a surrogate pair, which UTF-8 cannot encode.");
        }
    }

    /// <summary>Returns the bytes of memory that messages with the texts of a body, or of a part of it, take.</summary>
    public static long MemoryOf(JsonElement json) =>
        JsonRequest.MemoryOf(JsonMarshal.GetRawUtf8Value(json), sizeof(char));

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
