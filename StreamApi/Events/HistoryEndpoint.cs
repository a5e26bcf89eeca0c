using System.Globalization;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Requests;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary><c>GET /v1/events?topic=…&amp;type=…&amp;after=…&amp;limit=…</c>: the log, page by page.</summary>
internal static class HistoryEndpoint
{
    public static async Task<IResult> ReadAsync(
        HttpContext context,
        [FromKeyedServices(StorePool.Reads)] EventReader reader,
        StoreReads reads,
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
        {
            if (!int.TryParse(limitText, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit == 0)
                return InvalidRequestException.ProblemOf("limit", "must be a whole number from 1.");
            limit = Math.Min(limit, options.Value.MaxPage);
        }
        var after = default(StreamId?);
        if (query["after"].ToString() is { Length: > 0 } afterText)
        {
            if (!StreamId.TryParse(afterText, out var id))
                return InvalidRequestException.ProblemOf("after", "is not a stream id.");
            after = id;
        }

        var page = new HistoryPage(context, reader, reads, filter, limit, options.Value);
        return await page.BeginAsync(after) ?? page;
    }
}
