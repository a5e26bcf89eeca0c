using Microsoft.Extensions.Options;

namespace StreamApi.Events;

/// <summary><c>GET /v1/events?topic=…&amp;type=…&amp;after=…&amp;limit=…</c>: reads the log page by page.</summary>
internal static class HistoryApi
{
    public static void MapHistory(this IEndpointRouteBuilder events) =>
        events
            .MapGet("/events", ReadAsync)
            .Filters()
            .Query("after", "Stream id after which to read.")
            .Query("limit", "Maximum events of the page.");

    private static async Task<IResult> ReadAsync(
        HttpContext context,
        IEventLog log,
        RequestBudget budget,
        IOptions<EventsOptions> options
    )
    {
        var filter = FilterQuery.Read(context);
        var limit = EventsApi.LimitOf(context);
        var after = default(StreamPosition?);
        if (context.Request.Query["after"].ToString() is { Length: > 0 } text)
            after = StreamPosition.TryParse(text, out var id)
                ? id
                : throw new InvalidRequestException("after", "is not a stream id.");

        var page = new HistoryPage(context, log, budget, filter, limit, options.Value.MaxPageBytes);
        await page.BeginAsync(after);
        return page;
    }
}
