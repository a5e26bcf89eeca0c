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
        var known = new KnownSubscriptions();
        events
            .MapStream(
                "/events/stream",
                (HttpContext context) => Subscribe(context, known),
                maxListValues: 3 * FilterQuery.MaxValues
            )
            .Body(typeof(SubscribeBody))
            .Filters()
            .Query("envelope", "true: the data is the whole event.")
            .Sends(
                "Streams the events of the topics as published, each named by its type.",
                ("connected", typeof(Connected)),
                ("*", typeof(object))
            );
    }

    internal static EventStreamResult Subscribe(HttpContext context, KnownSubscriptions known)
    {
        if (known.Find(context.Request) is { } subscription)
        {
            FilterQuery.CheckAllowed(context, subscription.Topics);
            return subscription.Stream;
        }

        var asked = FilterQuery.Read(context.Request.Query);
        var stream = TypedResults.EventStream(
            FilterQuery.Allowed(context, asked.Topics),
            FilterQuery.NoneIsAll(asked.Types),
            FilterQuery.NoneIsAll(asked.Keys),
            context.Request.Query.Flag("envelope") == true ? EventFormat.Envelope : EventFormat.Named
        );

        // Without topics, the caller's grants are the topics.
        if (asked.Topics.Length > 0)
            known.Keep(context.Request, new(asked.Topics, stream));
        return stream;
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
