using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Streaming.Requests;

/// <summary>
/// The JSON of a request, read whole: its type, its size, its encoding and its depth are looked at before its content,
/// and what is wrong
/// is said. Invalid UTF-8 is refused (RFC 8259 §8.1); a parser would put U+FFFD in its place without a word.
/// </summary>
internal static class JsonRequest
{
    public const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <param name="context">The request.</param>
    /// <param name="most">Most bytes of the body.</param>
    /// <exception cref="InvalidRequestException">415 for another content type, 413 for a body too large, 400 for no
    /// JSON, 429 and 503 where too many bytes of
    /// bodies are held already.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context, int most)
    {
        if (!context.Request.HasJsonContentType())
            throw new InvalidRequestException(
                "Content-Type",
                "must be application/json.",
                StatusCodes.Status415UnsupportedMediaType
            );
        CheckCharset(context);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = most;
        try
        {
            return Parse(await BytesAsync(context));
        }
        catch (BadHttpRequestException e)
        {
            throw new InvalidRequestException(
                "body",
                e.StatusCode == StatusCodes.Status413PayloadTooLarge
                    ? $"has at most {most} bytes."
                    : "did not come whole, or too slowly.",
                e.StatusCode
            );
        }
    }

    /// <exception cref="InvalidRequestException">415 for another charset than UTF-8, which is the only one that JSON
    /// has.</exception>
    public static void CheckCharset(HttpContext context)
    {
        if (
            MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            && type.Charset is { Length: > 0 } charset
            && !HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
        )
            throw new InvalidRequestException(
                "Content-Type",
                "has another charset than utf-8.",
                StatusCodes.Status415UnsupportedMediaType
            );
    }

    /// <exception cref="InvalidRequestException">It is not JSON, and why.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes)
    {
        if (bytes.Span.StartsWith(ByteOrderMark))
            bytes = bytes[ByteOrderMark.Length..];
        if (!Utf8.IsValid(bytes.Span))
            throw new InvalidRequestException("body", "is not UTF-8.");
        try
        {
            return JsonDocument.Parse(bytes, Options);
        }
        catch (JsonException e) when (e.Message.Contains("maximum configured depth", StringComparison.Ordinal))
        {
            throw new InvalidRequestException("body", $"is deeper than {MaxDepth}.");
        }
        catch (JsonException e)
        {
            throw new InvalidRequestException(
                "body",
                $"is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."
            );
        }
    }

    private static async Task<byte[]> BytesAsync(HttpContext context)
    {
        var (body, hold) = (
            context.Request.BodyReader,
            context.RequestServices.GetRequiredService<IRequestBudget>().Hold(context)
        );
        while (true)
        {
            var read = await body.ReadAsync(context.RequestAborted);
            try
            {
                hold.Set(read.Buffer.Length);
            }
            catch (InvalidRequestException)
            {
                // Kestrel drains what is left of the body before it answers; a read that was not advanced would make it
                // cut the answer off.
                body.AdvanceTo(read.Buffer.End);
                throw;
            }
            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                body.AdvanceTo(read.Buffer.End);
                return bytes;
            }
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
