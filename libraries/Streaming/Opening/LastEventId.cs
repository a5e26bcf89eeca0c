using System.Text;

namespace Streaming.Opening;

/// <summary>A client's last id: header <c>Last-Event-ID</c>, else <c>last_event_id</c> or <c>lastEventId</c>.</summary>
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

    public static LastEventId Of(HttpRequest request)
    {
        var text =
            NonEmpty(FromBytes(request.Headers[Header]))
            ?? NonEmpty(request.Query["last_event_id"])
            ?? NonEmpty(request.Query["lastEventId"]);
        if (text is not null && Encoding.UTF8.GetByteCount(text) > StreamPosition.MaxLength)
            text = Cut(text);

        return text is null ? default : Parse(text);

        static string Cut(string text)
        {
            var kept = Math.Min(text.Length, CutLength);
            return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), "…");
        }

        static string? FromBytes(string? sent) =>
            sent is null ? null : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(sent));

        static string? NonEmpty(string? value) => value is { Length: > 0 } ? value : null;
    }

    /// <summary>Returns an id that only a reader of the stream can have: others can count positions.</summary>
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
