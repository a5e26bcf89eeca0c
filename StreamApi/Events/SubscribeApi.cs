using Microsoft.AspNetCore.Http.HttpResults;

namespace StreamApi.Events;

/// <summary>
/// <c>/v1/events/stream</c>: GET with a query; POST and QUERY with a JSON body
/// <c>{"topics":[…],"types":[…],"keys":[…]}</c> and the other query parameters as members.
/// </summary>
internal static class SubscribeApi
{
    public static void MapSubscribe(this IEndpointRouteBuilder events)
    {
        events
            .MapStream("/events/stream", Subscribe, maxListValues: 3 * FilterQuery.MaxValues)
            .Body(typeof(SubscribeBody))
            .Filters()
            .Query("envelope", "true: the data is the whole event.")
            .Sends(
                "Streams the events of the topics as published, each named by its type.",
                ("connected", typeof(Connected)),
                ("*", typeof(object))
            );
    }

    private static EventStreamResult Subscribe(HttpContext context)
    {
        var asked = FilterQuery.ReadAllowed(context);
        return TypedResults.EventStream(
            [.. asked.Topics.Select(EventTopic.Reserved)],
            FilterQuery.NoneIsAll(asked.Types),
            FilterQuery.NoneIsAll(asked.Keys),
            context.Request.Query.Flag("envelope") == true ? EventFormat.Envelope : EventFormat.Named
        );
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
