using System.Globalization;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Streaming.Opening;

/// <summary>A client's last id: the header <c>Last-Event-ID</c>, else <c>last_event_id</c> or <c>lastEventId</c> in the
/// query. Of several ids, the furthest counts.</summary>
/// <param name="Text">As sent. Null if missing or empty (HTML Living Standard §9.2.2). A text longer than any id is cut
/// and ends in "…", so that no stream parses it as a number or echoes more than an id's length.</param>
/// <param name="Id">The parsed id, or null if the text is not in our format.</param>
/// <param name="Secret">The secret of an anonymous run's id (<see cref="WithSecret"/>), or null if there is
/// none.</param>
internal readonly record struct LastEventId(string? Text, StreamPosition? Id, string? Secret = null)
{
    private const char SecretMark = '~';

    private const string Header = "Last-Event-ID";

    // Three bytes per character and three for the ellipsis stay within StreamPosition.MaxLength.
    private const int CutLength = 41;

    public static LastEventId Of(HttpRequest request) =>
        Furthest(FromBytes(request.Headers[Header]))
        ?? Furthest(StringValues.Concat(request.Query["last_event_id"], request.Query["lastEventId"]))
        ?? default;

    private static LastEventId? Furthest(string? sent) =>
        string.IsNullOrEmpty(sent) ? null
        : sent.Contains(',') ? FurthestOf(sent)
        : Parse(Cut(sent));

    /// <summary>Returns the furthest of several ids. A page that gives its client a stored id sends this id and the
    /// client's own, which an HTTP library joins by a comma (RFC 9110 §5.3); ids have no comma.</summary>
    private static LastEventId FurthestOf(string sent)
    {
        var parts = sent.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var places = parts.Select(PlaceOf).OfType<StreamPosition>().ToList();
        if (parts.Length < 2 || places.Count == 0)
            return Parse(Cut(sent));

        // Positions of different epochs cannot be compared; HTTP libraries put the client's own id last.
        var last = places[^1];
        var furthest = places.Where(place => place.Epoch == last.Epoch).MaxBy(place => place.Position);
        return Parse(parts.Last(part => PlaceOf(part) == furthest));
    }

    /// <summary>Returns the place of an id, or of a bare number, which finite streams accept as an id.</summary>
    private static StreamPosition? PlaceOf(string text) =>
        Parse(text).Id is { } id ? id
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new StreamPosition("", number)
        : null;

    private static string Cut(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) <= StreamPosition.MaxLength)
            return text;

        var kept = Math.Min(text.Length, CutLength);
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), "…");
    }

    private static string? FromBytes(string? sent) =>
        sent is null ? null : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(sent));

    /// <summary>Returns an id that only a reader of the stream can know: a position alone could be guessed by
    /// counting.</summary>
    public static string WithSecret(StreamPosition at, string secret) => $"{at}{SecretMark}{secret}";

    private static LastEventId Parse(string text)
    {
        var mark = text.LastIndexOf(SecretMark);
        var (place, secret) = mark < 0 ? (text, null) : (text[..mark], text[(mark + 1)..]);

        return StreamPosition.TryParse(place, out var id) && secret?.Length != 0
            ? new LastEventId(text, id, secret)
            : new LastEventId(text, Id: null);
    }
}
