using Microsoft.AspNetCore.Http.HttpResults;

namespace StreamApi.Seeds;

/// <summary>Streams a topic as the articles do, without an event of the stream's own at its start. <c>?named=</c>
/// switches between named events and messages.</summary>
internal static class ArticleStream
{
    /// <param name="isNamed">True if events are named by default.</param>
    /// <param name="types">Event types, or null for all.</param>
    public static EventStreamResult Of(HttpRequest request, string topic, bool isNamed, string[]? types = null) =>
        TypedResults.EventStream(
            [EventTopic.Pattern(topic)],
            types,
            format: FormatOf(request, isNamed ? EventFormat.Named : EventFormat.Messages),
            hasConnected: false
        );

    /// <summary>Returns the format that <c>?named=</c> asks for.</summary>
    public static EventFormat FormatOf(HttpRequest request, EventFormat usual) =>
        request.Query.Flag("named") switch
        {
            true => EventFormat.Named,
            false => EventFormat.TypedMessages,
            null => usual,
        };
}
