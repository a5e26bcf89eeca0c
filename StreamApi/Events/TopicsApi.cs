using StreamApi.Connections;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary><c>GET /v1/topics?prefix=…&amp;limit=…&amp;after=…</c>: lists the topics of the log in order, with their
/// events and subscribers.</summary>
internal static class TopicsApi
{
    public static void MapTopics(this IEndpointRouteBuilder events) =>
        events
            .MapGet("/topics", ListAsync)
            .Query("prefix", "Prefix of the topics.")
            .Query("limit", "Maximum topics of the page.")
            .Query("after", "The `next` of the previous page; a topic.");

    private static async Task<IResult> ListAsync(
        HttpContext context,
        TopicPageReader topics,
        ConnectionDirectory connections,
        RequestBudget budget
    )
    {
        var prefix = context.Request.Query.Filter("prefix", TopicPattern.MaxLength) ?? "";
        string? after = context.Request.Query["after"].ToString();
        var limit = EventsApi.LimitOf(context);

        if (after.Length > 0 && !TopicPattern.IsTopic(after = await topics.AfterAsync(after, context.RequestAborted)))
            throw new InvalidRequestException("after", "must be a topic, or the 'next' of the previous page.");
        if (prefix.Length > 0 && !TopicPattern.IsTopic(prefix.TrimEnd('.')))
            throw new InvalidRequestException("prefix", "must be the beginning of a topic.");

        // Before the turn, because it waits for other replicas.
        var listing = await connections.RecentAsync(context.RequestAborted);
        using var turn = await budget.EnterReadAsync(context);
        var page = await topics.ReadAsync(
            Caller.Of(context).Grants,
            new TopicRequest(prefix, after ?? "", limit),
            listing.Subscribers,
            context.RequestAborted
        );

        return TypedResults.HeldJson(context, page);
    }
}
