using System.Text.Json;
using Streaming.Requests;

namespace LlmGateway;

/// <summary>Reads request bodies, member by member, so that what is wrong is named.</summary>
internal static class ChatBody
{
    /// <summary>Most characters of a name.</summary>
    public const int MaxName = 256;

    /// <summary>The body, an object; every text in it is valid Unicode.</summary>
    /// <exception cref="InvalidChatException">It is not.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context, int most)
    {
        try
        {
            using var document = await JsonRequest.ReadAsync(context, most);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidChatException("body", "must be a JSON object.");
            Check(document.RootElement);
            return document.RootElement.Clone();
        }
        catch (InvalidRequestException e) when (e is not InvalidChatException)
        {
            throw new InvalidChatException(e.Field, e.Problem, e.Status);
        }
        catch (InvalidOperationException)
        {
            throw new InvalidChatException("body", "has half of a surrogate pair, which is no UTF-8.");
        }
    }

    public static string? Text(JsonElement of, string name, string at = "")
    {
        if (Get(of, name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidChatException(at + name, "must be a string.");
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new InvalidChatException(at + name, "has half of a surrogate pair, which is no UTF-8.");
        }
    }

    /// <summary>
    /// A text that is repeated in answers, headers of telemetry and errors: a model, a role, a tool's name. Short, or
    /// one request would multiply it.
    /// </summary>
    public static string? Name(JsonElement of, string name, string at = "", int most = MaxName)
    {
        var text = Text(of, name, at);
        return text is null || text.Length <= most
            ? text
            : throw new InvalidChatException(at + name, $"has at most {most} characters.");
    }

    /// <summary>A list of bounded length; null where there is none.</summary>
    public static JsonElement? List(JsonElement of, string name, int most, string wrong, string at = "")
    {
        if (Get(of, name) is not { } list)
            return null;
        if (list.ValueKind != JsonValueKind.Array)
            throw new InvalidChatException(at + name, wrong);
        return list.GetArrayLength() <= most
            ? list
            : throw new InvalidChatException(at + name, $"has at most {most} items; here are {list.GetArrayLength()}.");
    }

    /// <summary>Texts that end an answer: each of them is looked for at every token.</summary>
    public static List<string>? Stops(JsonElement of, string name, int most, int mostCharacters, string wrong)
    {
        if (List(of, name, most, wrong) is not { } list)
            return null;
        var stops = new List<string>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String)
                throw new InvalidChatException(name, wrong);
            if (item.GetString() is { } stop && stop.Length > mostCharacters)
                throw new InvalidChatException(
                    name,
                    $"has texts of at most {mostCharacters} characters (Llm:MaxStopCharacters)."
                );
            stops.Add(item.GetString()!);
        }
        return stops;
    }

    public static bool Flag(JsonElement of, string name) =>
        Get(of, name) is { } value
        && (
            value.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? value.GetBoolean()
                : throw new InvalidChatException(name, "must be true or false.")
        );

    /// <summary>A number from 0 to <paramref name="most"/>.</summary>
    public static float? Number(JsonElement of, string name, int most) =>
        Get(of, name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) && number >= 0 && number <= most
            ? number
        : throw new InvalidChatException(name, $"must be a number from 0 to {most}.");

    public static int? Count(JsonElement of, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            if (Get(of, name) is { } value)
                return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count > 0
                    ? count
                    : throw new InvalidChatException(name, "must be a whole number from 1.");
        return null;
    }

    /// <summary>A member that is there and not null.</summary>
    public static JsonElement? Get(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static void Check(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    Check(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    Check(member.Value);
                }
                break;
        }
    }
}
