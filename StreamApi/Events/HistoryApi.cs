using System.Globalization;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary><c>GET /v1/events?topic=…&amp;type=…&amp;after=…&amp;limit=…</c>: reads the log page by page.</summary>
internal static class HistoryApi
{
    public static void MapHistory(this IEndpointRouteBuilder events) =>
        events
            .MapGet("/events", ReadAsync)
            .ChecksTopics()
            .RefusesInvalid()
            .Query("topic", "Topic or pattern, repeatable.")
            .Query("type", "Event type, repeatable.")
            .Query("key", "Event key, repeatable.")
            .Query("after", "Stream id after which to read.")
            .Query("limit", "Maximum events of the page.");

    private static async Task<IResult> ReadAsync(
        HttpContext context,
        [FromKeyedServices(StorePool.Reads)] EventReader reader,
        LineageReader lineages,
        ReadTurns reads,
        IOptions<EventsOptions> options
    )
    {
        var query = context.Request.Query;
        if (FilterQuery.Read(query, options.Value, out var filter) is { } invalid)
            return invalid;
        if (FilterQuery.Authorize(context, ref filter) is { } forbidden)
            return forbidden;
        var limit = options.Value.DefaultPage;
        if (query["limit"].ToString() is { Length: > 0 } limitText)
            if (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit == 0)
                return InvalidRequestException.ProblemOf("limit", "must be a positive integer.");
        limit = Math.Min(limit, options.Value.MaxPage);
        var after = default(StreamId?);
        if (query["after"].ToString() is { Length: > 0 } afterText)
        {
            if (!StreamId.TryParse(afterText, out var id))
                return InvalidRequestException.ProblemOf("after", "is not a stream id.");
            after = id;
        }

        var page = new HistoryPage(context, reader, lineages, reads, filter, limit, options.Value);
        return await page.BeginAsync(after) ?? page;
    }
}
