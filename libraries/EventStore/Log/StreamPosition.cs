using System.Globalization;

namespace AspireSse;

/// <summary>An event's place in the log. Its text <c>&lt;epoch&gt;-&lt;position&gt;</c> is the SSE <c>id</c>, which
/// returns in the <c>Last-Event-ID</c> header (HTML Living Standard §9.2) and is opaque to clients.</summary>
/// <remarks>Needed to tell a client where a stream goes on, or to read on after an id that a client sent. Its text has
/// at most 128 bytes of <c>[A-Za-z0-9._~-]</c>: browsers preflight a request with any other byte in the header (Fetch,
/// "CORS-unsafe request-header byte").</remarks>
/// <param name="Epoch">Names one history of positions; positions of different epochs cannot be compared.</param>
/// <param name="Position">The event's position in the log, from 1; 0 is before the first event.</param>
public readonly record struct StreamPosition(string Epoch, long Position)
{
    public const int MaxLength = 128;

    /// <summary>Parses an id. Returns false for a text that cannot be the id of an event: it has other characters, too
    /// many of them, or no position.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out StreamPosition position)
    {
        position = default;
        var dash = text.LastIndexOf('-');
        if (text.Length > MaxLength || dash <= 0 || text.ContainsAnyExcept(IdCharacters))
            return false;
        if (!long.TryParse(text[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return false;

        position = new StreamPosition(text[..dash].ToString(), number);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Position}");

    private static readonly System.Buffers.SearchValues<char> IdCharacters = System.Buffers.SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
    );
}
