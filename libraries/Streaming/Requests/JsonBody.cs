using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Streaming.Endpoints;

namespace Streaming.Requests;

/// <summary>The JSON object that a request carries. Read by hand: what is wrong is answered with the field's name,
/// never with a 5xx.</summary>
internal static class JsonBody
{
    /// <summary>Most bytes of a body that holds a few fields.</summary>
    private const int MaxBytes = 256 * 1024;

    /// <summary>Whether there is a body at all, of known length or not.</summary>
    public static bool IsThere(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    /// <exception cref="InvalidRequestException">415 for another content type, 413 for a body too large, 400 for no
    /// JSON object.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context)
    {
        using var document = await JsonRequest.ReadAsync(context, MaxBytes);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
            throw new InvalidRequestException("body", "must be a JSON object.");
        // Looking for a member reads the names of the others too.
        try
        {
            foreach (var member in document.RootElement.EnumerateObject())
                _ = member.Name;
        }
        catch (InvalidOperationException)
        {
            throw new InvalidRequestException(
                "body",
                "has a member whose name has half of a surrogate pair, which is no UTF-8."
            );
        }
        return document.RootElement.Clone();
    }

    /// <summary>A text field; null where it is missing or null.</summary>
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
            throw new InvalidRequestException(name, "has half of a surrogate pair, which is no UTF-8.");
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

    /// <summary>Postgres takes no NUL in text.</summary>
    public static string Checked(string name, string text, int maxLength)
    {
        if (text.Length > maxLength)
            throw new InvalidRequestException(name, $"has at most {maxLength} characters.");
        return text.Contains('\0') ? throw new InvalidRequestException(name, "cannot hold NUL.") : text;
    }

    private static JsonElement? Member(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
