using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Showing;

namespace Streaming.Opening;

/// <summary>Reads what the query of a stream's request asks for.</summary>
internal static class StreamQuery
{
    /// <summary>Returns true if a client without an id starts at the oldest event.</summary>
    public static bool FromEarliest(this IQueryCollection query) =>
        query["from"].ToString() switch
        {
            "" or "head" => false,
            "earliest" => true,
            _ => throw new InvalidRequestException("from", "must be earliest or head."),
        };

    public static SlowClientPolicy Slow(this IQueryCollection query) =>
        SlowClientRule.Parse(query["slow"])
        ?? throw new InvalidRequestException("slow", "must be catch-up, latest or disconnect.");

    /// <summary>Creates the request that the query describes: its start, and the policy for a slow client.</summary>
    public static StreamRequest Subscription(
        this HttpContext context,
        StreamFilter filter,
        Greeting greeting,
        StreamBounds bounds,
        ShownEvents? shown
    )
    {
        var query = context.Request.Query;
        return new StreamRequest(
            filter,
            LastEventId.Of(context.Request),
            query.FromEarliest(),
            bounds.After,
            query.Slow(),
            greeting,
            Ordinal: bounds.Resync,
            Shown: shown
        );
    }
}
