using System.Net.ServerSentEvents;
using System.Text.Json;
using Streaming.Endpoints;

namespace StreamApi.Seeds;

/// <summary>Streams a topic as the articles do, without an event of the stream's own at its start. <c>?named=</c>
/// switches between named events and messages.</summary>
internal static class ArticleStream
{
    /// <param name="isNamed">True if events are named by default.</param>
    /// <param name="types">Event types; none for all.</param>
    public static IResult Of(HttpRequest request, string topic, bool isNamed, params string[] types)
    {
        var named = request.Query.Flag("named");
        if (named ?? isNamed)
            return TypedResults.EventStream([topic], types, show: Named);

        return TypedResults.EventStream(
            [topic],
            types,
            format: named is null ? EventFormat.Messages : EventFormat.TypedMessages
        );
    }

    private static SseItem<object?>? Named(EventRecord record) =>
        record.Type == "connected" ? null : new(JsonSerializer.Deserialize<JsonElement>(record.Data.Span), record.Type);
}
