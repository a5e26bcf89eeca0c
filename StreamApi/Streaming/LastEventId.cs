using EventStore;

namespace StreamApi.Streaming;

/// <summary>The last id that a client says it has: the <c>Last-Event-ID</c> header, else <c>last_event_id</c> or <c>lastEventId</c>.</summary>
/// <param name="Text">As sent; null where there is none (an empty one counts as none, HTML Living Standard §9.2.2).</param>
/// <param name="Id">Read as an id of ours; null where it is not one.</param>
internal readonly record struct LastEventId(string? Text, StreamId? Id)
{
    public static LastEventId Of(HttpRequest request)
    {
        var text = NonEmpty(request.Headers["Last-Event-ID"]) ?? NonEmpty(request.Query["last_event_id"]) ?? NonEmpty(request.Query["lastEventId"]);
        return new LastEventId(text, text is not null && StreamId.TryParse(text, out var id) ? id : null);

        static string? NonEmpty(string? value) => value is { Length: > 0 } ? value : null;
    }
}
