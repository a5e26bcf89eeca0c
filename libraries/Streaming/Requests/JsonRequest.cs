using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Streaming.Refusals;

namespace AspireSse.Server;

/// <summary>Reads a whole JSON body. Refuses invalid UTF-8 (RFC 8259 §8.1), which a parser turns into U+FFFD, and
/// member names with half of a surrogate pair (§8.2), at which the lookup of any name throws.</summary>
/// <remarks>Needed only by an endpoint that reads JSON other than one object, or JSON lines, as StreamApi's publishing
/// does.</remarks>
public static class JsonRequest
{
    private const int ParserBytesPerToken = 12;

    private static readonly MediaTypeHeaderValue PlainJson = new MediaTypeHeaderValue(
        "application/json"
    ).CopyAsReadOnly();

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a body of JSON.</summary>
    /// <param name="context">The request.</param>
    /// <param name="most">Maximum bytes of the body.</param>
    /// <param name="copies">Copies of the body in memory while the request is answered. Text in UTF-16 counts as
    /// two.</param>
    /// <param name="check">Refuses a body before it is parsed, because parsing takes several times the memory of the
    /// body.</param>
    /// <exception cref="InvalidRequestException">415: type, coding; 413: size; 400: no JSON; 401: expired.</exception>
    /// <exception cref="RefusedException">Too many bytes are held, or too many bodies wait.</exception>
    internal static Task<ParsedJson> ReadAsync(
        HttpContext context,
        int most,
        int copies = 1,
        Action<ReadOnlyMemory<byte>>? check = null
    ) =>
        IsJson(TypeOf(context))
            ? ReadJsonAsync(context, most, copies, check)
            : throw new InvalidRequestException(
                "Content-Type",
                "must be application/json.",
                StatusCodes.Status415UnsupportedMediaType
            );

    /// <summary>Reads a body whose type the caller has checked. The body counts against its client's memory and rate,
    /// and may wait for a turn.</summary>
    /// <param name="context">The request.</param>
    /// <param name="most">Maximum bytes of the body.</param>
    /// <param name="copies">Copies of the body in memory while the request is answered. Text in UTF-16 counts as
    /// two.</param>
    /// <param name="check">Refuses a body before it is parsed, because parsing takes several times the memory of the
    /// body.</param>
    /// <exception cref="InvalidRequestException">413: size; 400: no JSON; 401: expired.</exception>
    /// <exception cref="RefusedException">Too many bytes are held, or too many bodies wait.</exception>
    public static async Task<ParsedJson> ReadJsonAsync(
        HttpContext context,
        int most,
        int copies = 1,
        Action<ReadOnlyMemory<byte>>? check = null
    )
    {
        // Counted here, because the server would not receive the rest of a body that it has refused.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        if (context.Request.ContentLength > most)
            throw TooLarge(most);

        var budget = context.RequestServices.GetRequiredService<RequestBudget>();
        var hold = budget.Hold(context);
        context.Features.Set(hold);

        try
        {
            var bytes = await BytesAsync(context, hold, most, copies);
            using (await budget.EnterParsingAsync(context, bytes.Length))
                return await ParseAsync(bytes, check);
        }
        catch (RefusedException)
        {
            await LateRefusal.DelayBodyAsync(context);
            throw;
        }
        catch (BadHttpRequestException e)
        {
            throw CutOff(e);
        }
    }

    /// <summary>Returns the error of a body that ended early (400) or came too slowly (408).</summary>
    public static InvalidRequestException CutOff(BadHttpRequestException exception) =>
        new("body", "was cut off, or sent too slowly.", exception.StatusCode);

    /// <summary>Returns true for JSON, and for types that end in <c>+json</c>.</summary>
    public static bool IsJson(MediaTypeHeaderValue? type) =>
        type is not null
        && (
            type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.EndsWith("+json", StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>Returns the body's type, or null if there is none. Refuses charsets other than UTF-8 and compressed
    /// bodies (RFC 9110 §8.4): 415.</summary>
    /// <exception cref="InvalidRequestException">415.</exception>
    public static MediaTypeHeaderValue? TypeOf(HttpContext context)
    {
        var codings = context.Request.Headers.ContentEncoding.ToString();
        if (codings.Length > 0 && !codings.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            // Says what the server accepts, beside the 415 (RFC 9110 §12.5.3).
            context.Response.Headers.AcceptEncoding = "identity";
            throw new InvalidRequestException(
                "Content-Encoding",
                "is not supported: send the body uncompressed.",
                StatusCodes.Status415UnsupportedMediaType
            );
        }

        if (context.Request.ContentType == "application/json")
            return PlainJson;
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type))
            return null;

        if (
            type.Charset is { Length: > 0 } charset
            && !HeaderUtilities.RemoveQuotes(charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
        )
            throw new InvalidRequestException(
                "Content-Type",
                "must have no charset other than utf-8.",
                StatusCodes.Status415UnsupportedMediaType
            );

        return type;
    }

    /// <summary>Parses JSON, such as a line of a body.</summary>
    /// <param name="bytes">The text, which must not change before the result is disposed.</param>
    /// <param name="check">Refuses the text before it is parsed.</param>
    /// <exception cref="InvalidRequestException">400: not JSON; the message says why.</exception>
    public static async ValueTask<ParsedJson> ParseAsync(
        ReadOnlyMemory<byte> bytes,
        Action<ReadOnlyMemory<byte>>? check = null
    )
    {
        if (bytes.Span.StartsWith(ByteOrderMark))
            bytes = bytes[ByteOrderMark.Length..];
        if (!Utf8.IsValid(bytes.Span))
            throw new InvalidRequestException("body", "is not UTF-8.");

        check?.Invoke(bytes);

        try
        {
            if (ParsedJson.HasUndecodableName(bytes.Span))
                throw new InvalidRequestException(
                    "body",
                    "has a member name with an unpaired surrogate, which UTF-8 cannot encode."
                );

            return await ParsedJson.ParseAsync(bytes, RowsOf(bytes.Span));
        }
        catch (JsonException e) when (e.Message.Contains("maximum configured depth", StringComparison.Ordinal))
        {
            throw new InvalidRequestException("body", $"must not be nested deeper than {ParsedJson.MaxDepth} levels.");
        }
        catch (JsonException e)
        {
            throw new InvalidRequestException(
                "body",
                $"is not JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}."
            );
        }
    }

    /// <summary>Estimates the memory of a parsed body. The parser's row for each token makes <c>[0,0,…]</c> seven times
    /// as large.</summary>
    internal static long MemoryOf(ReadOnlySpan<byte> body, int copies) => (long)copies * body.Length + RowsOf(body);

    private static long RowsOf(ReadOnlySpan<byte> body)
    {
        var tokens = 0L;
        while (true)
        {
            var quote = body.IndexOf((byte)'"');
            tokens += TokensOf(quote < 0 ? body : body[..quote]);

            if (quote < 0)
                return ParserBytesPerToken * tokens;

            body = body[(quote + 1)..];
            body = body[LengthOfString(body)..];
        }
    }

    /// <summary>Counts the tokens of text between strings. A string is counted by its separator.</summary>
    private static long TokensOf(ReadOnlySpan<byte> text) =>
        text.Count((byte)',') + text.Count((byte)':') + 2L * (text.Count((byte)'{') + text.Count((byte)'['));

    /// <summary>Returns the length from after the opening quote through the closing quote, or to the end if there is
    /// none.</summary>
    private static int LengthOfString(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length; )
        {
            var next = text[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
                return text.Length;

            at += next;
            if (text[at] == '"')
                return at + 1;
            at += 2; // an escape, and what it escapes
        }
        return text.Length;
    }

    private static InvalidRequestException TooLarge(int most) =>
        new("body", $"must have at most {most} bytes.", StatusCodes.Status413PayloadTooLarge);

    private static async ValueTask<byte[]> BytesAsync(HttpContext context, ByteHold hold, int most, int copies)
    {
        // A body of known length is refused before it is received.
        if (context.Request.ContentLength is { } length)
        {
            if (length > most)
                throw TooLarge(most);

            hold.Set(copies * length);
        }

        var body = context.Request.BodyReader;
        var floor = new BodyFloor(context);
        for (var received = 0L; ; )
        {
            var read = await floor.ReadAsync(received, context.RequestAborted);
            received = read.Buffer.Length;
            try
            {
                if (received > most)
                    throw TooLarge(most);

                if (context.Request.ContentLength is null)
                    hold.Set(received);

                if (read.IsCompleted)
                {
                    var bytes = read.Buffer.ToArray();
                    hold.Set(MemoryOf(bytes, copies));
                    body.AdvanceTo(read.Buffer.End);
                    return bytes;
                }
            }
            catch (Exception e) when (e is RefusedException or InvalidRequestException)
            {
                // The rest is received after the answer. If the read were not advanced, the server would abort it.
                body.AdvanceTo(read.Buffer.End);
                hold.Dispose();
                throw;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
