using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;

namespace StreamApi.Requests;

/// <summary>The JSON object that a request carries. Read by hand: what is wrong is answered with the field's name, never with a 5xx.</summary>
internal static class JsonBody
{
    /// <summary>Most bytes of a body that holds a few fields.</summary>
    private const int MaxBytes = 256 * 1024;

    /// <exception cref="InvalidRequestException">415 for another content type, 413 for a body too large, 400 for no JSON object.</exception>
    public static async Task<JsonElement> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
            throw new InvalidRequestException("Content-Type", "must be application/json.", StatusCodes.Status415UnsupportedMediaType);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = MaxBytes;
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new InvalidRequestException("body", "must be a JSON object.");
            return document.RootElement.Clone();
        }
        catch (JsonException e) { throw new InvalidRequestException("body", $"is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."); }
        catch (BadHttpRequestException e)
        {
            throw new InvalidRequestException("body", e.StatusCode == StatusCodes.Status413PayloadTooLarge ? $"has at most {MaxBytes} bytes." : e.Message, e.StatusCode);
        }
    }

    /// <summary>A text field; null where it is missing or null.</summary>
    public static string? Text(this JsonElement body, string name, int maxLength)
    {
        if (Member(body, name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.String) throw new InvalidRequestException(name, "must be a string.");
        string text;
        try { text = value.GetString()!; }
        catch (InvalidOperationException) { throw new InvalidRequestException(name, "has half of a surrogate pair, which is no UTF-8."); }
        return Checked(name, text, maxLength);
    }

    public static string RequiredText(this JsonElement body, string name, int maxLength) =>
        body.Text(name, maxLength) ?? throw new InvalidRequestException(name, "is required.");

    public static int? Whole(this JsonElement body, string name, int min, int max)
    {
        if (Member(body, name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number < min || number > max)
            throw new InvalidRequestException(name, $"must be a whole number from {min} to {max}.");
        return number;
    }

    public static decimal? Price(this JsonElement body, string name, decimal max)
    {
        if (Member(body, name) is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDecimal(out var number) || number <= 0 || number > max || decimal.Round(number, 2) != number)
            throw new InvalidRequestException(name, $"must be a number above 0, at most {max}, with at most two decimals.");
        return number;
    }

    /// <summary>Postgres takes no NUL in text.</summary>
    public static string Checked(string name, string text, int maxLength)
    {
        if (text.Length > maxLength) throw new InvalidRequestException(name, $"has at most {maxLength} characters.");
        return text.Contains('\0') ? throw new InvalidRequestException(name, "cannot hold NUL.") : text;
    }

    private static JsonElement? Member(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
