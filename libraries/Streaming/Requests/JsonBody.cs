using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace Streaming.Requests;

/// <summary>Reads a request's JSON object by hand, so that each error names its field and none becomes a 5xx.</summary>
internal static class JsonBody
{
    private const int MaxBytes = 256 * 1024;

    /// <summary>Limit on the values of a body: each becomes an object, which takes more than its bytes.</summary>
    private const int MaxValues = 16_384;

    /// <summary>Returns true if the request has a body, of known length or not.</summary>
    public static bool IsThere(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    /// <exception cref="InvalidRequestException">415: type; 413: size; 400: no object, a member
    /// twice, or too many values.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context, int maxValues = MaxValues)
    {
        using var json = await JsonRequest.ReadAsync(context, MaxBytes, check: text => CheckValues(text, maxValues));
        if (json.Root.ValueKind != JsonValueKind.Object)
            throw new InvalidRequestException("body", "must be a JSON object.");

        // A lookup decodes every member's name, so decode them here, where an error can be reported.
        try
        {
            var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
            foreach (var member in json.Root.EnumerateObject())
                if (!names.Add(member.Name))
                    throw new InvalidRequestException(member.Name, "is there twice.");
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(
                "body",
                "has a member name with an unpaired surrogate, which UTF-8 cannot encode."
            );
        }

        return json.Root.Clone();
    }

    /// <summary>Refuses a member of another name, which may be a misspelt one, also in its case.</summary>
    public static void CheckMembers(this JsonElement body, params string[] known) =>
        UnknownNames.Refuse(known, body.EnumerateObject().Select(member => member.Name), StringComparer.Ordinal);

    /// <summary>Returns null if the field is missing or null.</summary>
    public static string? Text(this JsonElement body, string name, int maxLength)
    {
        if (Member(body, name) is not { } value)
            return null;
        if (value.ValueKind != JsonValueKind.String)
            throw new InvalidRequestException(name, "must be a string.");

        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(name, "has an unpaired surrogate, which UTF-8 cannot encode.");
        }

        return Checked(name, text, maxLength);
    }

    public static string RequiredText(this JsonElement body, string name, int maxLength) =>
        body.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

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

    public static decimal? Price(this JsonElement body, string name, decimal max)
    {
        if (Member(body, name) is not { } value)
            return null;
        if (
            value.ValueKind != JsonValueKind.Number
            || !value.TryGetDecimal(out var number)
            || number <= 0
            || number > max
            || decimal.Round(number, 2) != number
        )
            throw new InvalidRequestException(
                name,
                $"must be a number above 0, at most {max}, with at most two decimals."
            );

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

    private static JsonElement? Member(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
