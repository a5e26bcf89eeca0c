using Microsoft.AspNetCore.Http.HttpResults;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds;

/// <summary>Streams a topic as the articles do, without an event of the stream's own at its start. <c>?named=</c>
/// switches between named events and messages.</summary>
internal static class ArticleStream
{
    /// <param name="isNamed">True if events are named by default.</param>
    /// <param name="types">Event types; null for all.</param>
    public static IResult Of(HttpRequest request, string topic, bool isNamed, string[]? types = null)
    {
        var named = request.Query.Flag("named");
        FrameFormat format =
            (named ?? isNamed) ? NamedFormat.Always
            : named is null ? NamedFormat.Never
            : NamedFormat.InData;

        return EventStreamResult.OfLog([EventTopic.Pattern(topic)], types, keys: null, format, Greetings.Begin);
    }
}
