using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Requests;

namespace AspireSse.Server;

/// <summary>Reads a request's JSON object by hand, so that each error is an <see cref="InvalidRequestException"/> that
/// names its field. The body counts against its client's memory and rate, and may wait for a turn.</summary>
/// <remarks>Needed by an endpoint that reads a JSON object and names the wrong field in each error.</remarks>
public static class JsonBody
{
    private const int MaxBytes = 256 * 1024;

    /// <summary>Limit on the values of a body: each value becomes an object, which takes more memory than its
    /// text.</summary>
    private const int MaxValues = 16_384;

    /// <summary>Returns true if the request has a body, of known length or not.</summary>
    public static bool IsThere(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    /// <summary>Reads a JSON object of at most 256 kB and 16,384 values.</summary>
    /// <exception cref="InvalidRequestException">415: type; 413: size; 400: no object, a member twice, or
    /// too many values.</exception>
    public static Task<JsonElement> ReadAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return ReadAsync(context, MaxValues);
    }

    internal static async Task<JsonElement> ReadAsync(HttpContext context, int maxValues)
    {
        using var json = await JsonRequest.ReadAsync(context, MaxBytes, check: text => CheckValues(text, maxValues));
        if (json.Root.ValueKind != JsonValueKind.Object)
            throw new InvalidRequestException("body", "must be a JSON object.");

        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var member in json.Root.EnumerateObject())
            if (!names.Add(member.Name))
                throw new InvalidRequestException(member.Name, "is there twice.");

        return json.Root.Clone();
    }

    /// <summary>Refuses a member with an unknown name, which may be misspelt. Upper and lower case must match,
    /// too.</summary>
    public static void CheckMembers(this JsonElement body, params string[] known) =>
        UnknownNames.Refuse(known, body.EnumerateObject().Select(member => member.Name), StringComparer.Ordinal);

    /// <summary>Returns a text of at most this length, or null if the field is missing or null.</summary>
    /// <exception cref="InvalidRequestException">It is no string, too long, or has a NUL.</exception>
    public static string? Text(this JsonElement body, string name, int maxLength)
    {
        if (Member(body, name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidRequestException(name, "must be a string.");

        return Checked(name, TextOf(name, value), maxLength);
    }

    /// <summary>Returns a list of at most this many texts, empty if the field is missing or null.</summary>
    /// <exception cref="InvalidRequestException">It is no list of strings, or too long.</exception>
    public static IReadOnlyList<string> Texts(this JsonElement body, string name, int maxEntries)
    {
        if (Member(body, name) is not { } list)
            return [];
        if (
            list.ValueKind != JsonValueKind.Array
            || list.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.String)
        )
            throw new InvalidRequestException(name, "must be a list of strings.");
        if (list.GetArrayLength() > maxEntries)
            throw new InvalidRequestException(name, $"must have at most {maxEntries} entries.");

        return [.. list.EnumerateArray().Select(text => TextOf(name, text))];
    }

    /// <summary>Returns a text of at most this length, without NUL.</summary>
    /// <exception cref="InvalidRequestException">It is missing, no string, or too long.</exception>
    public static string RequiredText(this JsonElement body, string name, int maxLength) =>
        body.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

    /// <summary>Returns a whole number, or null if the field is missing or null.</summary>
    /// <exception cref="InvalidRequestException">It is another value, or out of the range.</exception>
    public static int? Whole(this JsonElement body, string name, int min, int max)
    {
        if (Member(body, name) is not { } value)
            return null;
        if (
            value.ValueKind != JsonValueKind.Number
            || !value.TryGetInt32(out var number)
            || number < min
            || number > max
        )
            throw new InvalidRequestException(name, $"must be a whole number from {min} to {max}.");

        return number;
    }

    /// <summary>Checks the length of a text, and refuses NUL, which Postgres cannot store.</summary>
    public static string Checked(string name, string text, int maxLength)
    {
        if (text.Length > maxLength)
            throw new InvalidRequestException(name, $"must have at most {maxLength} characters.");
        return text.Contains('\0') ? throw new InvalidRequestException(name, "must not contain NUL.") : text;
    }

    private static void CheckValues(ReadOnlyMemory<byte> text, int maxValues)
    {
        if (ParsedJson.HasMoreValues(text.Span, maxValues))
            throw new InvalidRequestException("body", $"must have at most {maxValues} values.");
    }

    private static string TextOf(string name, JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(name, "has an unpaired surrogate, which UTF-8 cannot encode.");
        }
    }

    private static JsonElement? Member(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
