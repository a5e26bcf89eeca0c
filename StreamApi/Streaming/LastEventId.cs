using System.Text;
using EventStore;

namespace StreamApi.Streaming;

/// <summary>The last id that a client says it has: the <c>Last-Event-ID</c> header, else <c>last_event_id</c> or <c>lastEventId</c>.</summary>
/// <param name="Text">As sent; null where there is none (an empty one counts as none, HTML Living Standard §9.2.2).</param>
/// <param name="Id">Read as an id of ours; null where it is not one.</param>
internal readonly record struct LastEventId(string? Text, StreamId? Id)
{
    private const string Header = "Last-Event-ID";

    /// <summary>For Kestrel: the bytes as they are. An id in bytes that are no UTF-8 is not one of ours, and no reason to refuse the request.</summary>
    public static Encoding? EncodingOf(string header) => header.Equals(Header, StringComparison.OrdinalIgnoreCase) ? Encoding.Latin1 : null;

    public static LastEventId Of(HttpRequest request)
    {
        var text = NonEmpty(FromBytes(request.Headers[Header])) ?? NonEmpty(request.Query["last_event_id"]) ?? NonEmpty(request.Query["lastEventId"]);
        return new LastEventId(text, text is not null && StreamId.TryParse(text, out var id) ? id : null);

        static string? FromBytes(string? sent) => sent is null ? null : Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(sent));
        static string? NonEmpty(string? value) => value is { Length: > 0 } ? value : null;
    }
}
