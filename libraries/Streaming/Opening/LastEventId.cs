using System.Text;
using EventStore;

namespace Streaming.Opening;

/// <summary>The last id that a client says it has: the <c>Last-Event-ID</c> header, else <c>last_event_id</c> or
/// <c>lastEventId</c>.</summary>
/// <param name="Text">
/// As sent; null where there is none (an empty one counts as none, HTML Living Standard §9.2.2). One that is longer
/// than any id is cut, and ends
/// in "…": no stream takes it for a number, and nobody is sent back more than an id's length.
/// </param>
/// <param name="Id">Read as an id of ours; null where it is not one.</param>
internal readonly record struct LastEventId(string? Text, StreamId? Id)
{
    private const string Header = "Last-Event-ID";

    // With three bytes a character and three for the ellipsis, within StreamId.MaxLength.
    private const int CutLength = 41;

    /// <summary>For Kestrel: the bytes as they are. An id in bytes that are no UTF-8 is not one of ours, and no reason
    /// to refuse the request.</summary>
    public static Encoding? EncodingOf(string header) =>
        header.Equals(Header, StringComparison.OrdinalIgnoreCase) ? Encoding.Latin1 : null;

    public static LastEventId Of(HttpRequest request)
    {
        var text =
            NonEmpty(FromBytes(request.Headers[Header]))
            ?? NonEmpty(request.Query["last_event_id"])
            ?? NonEmpty(request.Query["lastEventId"]);
        if (text is not null && Encoding.UTF8.GetByteCount(text) > StreamId.MaxLength)
            text = Cut(text);
        return new LastEventId(text, text is not null && StreamId.TryParse(text, out var id) ? id : null);

        static string Cut(string text)
        {
            var kept = Math.Min(text.Length, CutLength);
            return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), "…");
        }

        static string? FromBytes(string? sent) =>
            sent is null ? null : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(sent));
        static string? NonEmpty(string? value) => value is { Length: > 0 } ? value : null;
    }
}
