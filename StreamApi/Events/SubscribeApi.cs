using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Events;

/// <summary>
/// <c>/v1/events/stream</c>: GET with a query; POST and QUERY with a JSON body
/// <c>{"topics":[…],"types":[…],"keys":[…]}</c> and the other query parameters as members.
/// </summary>
internal static class SubscribeApi
{
    private static readonly string[] Everything = [">"];

    public static void MapSubscribe(this IEndpointRouteBuilder events)
    {
        events
            .MapStream("/events/stream", SubscribeAsync, maxListValues: 3 * FilterQuery.MaxValues)
            .Body(typeof(SubscribeBody))
            .Filters()
            .Query("envelope", "true: the data is the whole event.")
            .Sends(
                "Streams the events of the topics as published, each named by its type.",
                ("connected", typeof(Connected)),
                ("*", typeof(object))
            );
    }

    private static Task SubscribeAsync(HttpContext context, StreamOpener streams)
    {
        var filter = FilterQuery.Read(context);
        FrameFormat format =
            context.Request.Query.Flag("envelope") == true ? EnvelopeFormat.Instance : NamedFormat.Always;
        var request = context.Subscription(
            new StreamFilter(filter.Topics.Count == 0 ? Everything : filter.Topics, filter.Types, filter.Keys, format)
        );

        return streams.OpenAsync(context, request);
    }

    /// <summary>Describes the body in the OpenAPI document.</summary>
    private sealed record SubscribeBody(
        string[]? Topics,
        string[]? Types,
        string[]? Keys,
        bool? Envelope,
        string? From,
        string? Slow,
        string? LastEventId
    );

    private sealed record Connected(string ConnectionId, string Replica, string Epoch, string Head);
}
