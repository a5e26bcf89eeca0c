using System.Globalization;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary>
/// <c>GET /v1/topics?prefix=…&amp;limit=…&amp;after=…</c>: lists the topics of the log in order, with their events and
/// subscribers.
/// </summary>
internal static class TopicsApi
{
    public static void MapTopics(this IEndpointRouteBuilder events) =>
        events
            .MapGet("/topics", ListAsync)
            .ChecksTopics()
            .RefusesInvalid()
            .Query("prefix", "Prefix of the topics.")
            .Query("limit", "Maximum topics of the page.")
            .Query("after", "The `next` of the previous page; a topic.");

    private static async Task<IResult> ListAsync(
        string? prefix,
        string? limit,
        string? after,
        HttpContext context,
        TopicLists lists,
        RequestBudget budget,
        IOptions<EventsOptions> options,
        CancellationToken cancellationToken
    )
    {
        var most = options.Value.DefaultPage;
        if (
            limit is { Length: > 0 }
            && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) || most == 0)
        )
            return InvalidRequestException.ProblemOf("limit", "must be a positive integer.");
        if (
            after is { Length: > 0 }
            && (!TopicPattern.IsTopic(after = await lists.AfterAsync(after, cancellationToken)))
        )
            return InvalidRequestException.ProblemOf("after", "must be a topic, or the 'next' of the previous page.");
        if (prefix is { Length: > 0 } && !TopicPattern.IsTopic(prefix.TrimEnd('.')))
            return InvalidRequestException.ProblemOf("prefix", "must be the beginning of a topic.");

        var grants = Caller.Of(context).Grants;
        var request = new TopicListRequest(
            Caller.KeyOf(context),
            string.Join(' ', grants.Readable),
            prefix ?? "",
            after ?? "",
            Math.Min(most, options.Value.MaxPage)
        );
        var hold = budget.Hold(context);
        var answer = await lists.ReadAsync(request, grants, cancellationToken);
        hold.Set(answer.Length);
        return TypedResults.Bytes(answer, "application/json; charset=utf-8");
    }
}
