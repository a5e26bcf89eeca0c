using System.Text.Json;

namespace AspireSse.Server;

/// <summary>The parsed JSON of a request. A large body is parsed on a thread of its own, because the parser's pool
/// keeps arrays for each thread: 63 MB after a body of 4 MB with short values.</summary>
/// <remarks>Needed only with <see cref="JsonRequest"/>, which returns it.</remarks>
public sealed class ParsedJson : IDisposable
{
    internal const int MaxDepth = 64;

    /// <summary>Maximum bytes of parser rows that the pool may keep.</summary>
    private const int PooledBytes = 1024 * 1024;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    private readonly JsonDocument _document;
    private readonly bool _isPooled;

    private ParsedJson(JsonDocument document, bool isPooled) => (_document, _isPooled) = (document, isPooled);

    /// <summary>The parsed value, which is valid until the disposal.</summary>
    public JsonElement Root => _document.RootElement;

    /// <param name="text">The text, which must not change before the result is disposed.</param>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    internal static async ValueTask<ParsedJson> ParseAsync(ReadOnlyMemory<byte> text, long rowBytes) =>
        rowBytes <= PooledBytes
            ? new ParsedJson(JsonDocument.Parse(text, Options), true)
            : await Task.Factory.StartNew(
                () => new ParsedJson(JsonDocument.Parse(text, Options), false),
                CancellationToken.None,
                TaskCreationOptions.LongRunning | TaskCreationOptions.RunContinuationsAsynchronously,
                TaskScheduler.Default
            );

    /// <summary>Returns true for an array of more items than the maximum; makes no document, never throws.</summary>
    public static bool IsLongerArray(ReadOnlySpan<byte> text, int maxItems) =>
        // An array with more items has at least this many commas; most bodies have fewer.
        text.Count((byte)',') >= maxItems
        && text.TrimStart(" \t\r\n"u8) is [(byte)'[', ..]
        && HasMore(text, maxItems + 1, depth: 1);

    /// <summary>Returns true for a text with more values than the maximum, objects and arrays included; makes no
    /// document, never throws.</summary>
    internal static bool HasMoreValues(ReadOnlySpan<byte> text, int maxValues) =>
        // A value in an object or an array follows one of these.
        text.Count((byte)',')
            + text.Count((byte)'{')
            + text.Count((byte)'[')
            >= maxValues
        && HasMore(text, maxValues, MaxDepth);

    /// <summary>Returns true if a member's name has half of a surrogate pair: a lookup decodes names, and throws at
    /// such a name.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    internal static bool HasUndecodableName(ReadOnlySpan<byte> text)
    {
        // Few bodies escape a surrogate.
        if (text.IndexOf("\\ud"u8) < 0 && text.IndexOf("\\uD"u8) < 0)
            return false;

        var json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (json.Read())
                if (json.TokenType == JsonTokenType.PropertyName && json.ValueIsEscaped)
                    json.GetString();
        }
        catch (InvalidOperationException)
        {
            return true;
        }

        return false;
    }

    /// <summary>Counts values down to a depth, the outermost included, until there are more than the maximum.</summary>
    private static bool HasMore(ReadOnlySpan<byte> text, int max, int depth)
    {
        var json = new Utf8JsonReader(text, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            for (var values = 0; json.Read(); )
                if (
                    json.TokenType
                        is not (JsonTokenType.PropertyName or JsonTokenType.EndObject or JsonTokenType.EndArray)
                    && json.CurrentDepth <= depth
                    && ++values > max
                )
                    return true;
        }
        catch (JsonException)
        {
            // The parser says why.
        }

        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isPooled)
            _document.Dispose();
    }
}
