using Microsoft.Extensions.Options;
using StreamApi.Seeds.Basics;
using Streaming;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary><c>/v1/events/stream</c>: GET with a query, POST and QUERY with
/// <c>{"topics":[…],"types":[…],"keys":[…]}</c> and what else the query takes.</summary>
internal static class SubscribeEndpoint
{
    private static readonly string[] Everything = [">"];

    /// <summary>What a query says by repeating a name stands in a list of a body.</summary>
    private static readonly Dictionary<string, string> Lists = new(StringComparer.OrdinalIgnoreCase)
    {
        ["topics"] = "topic",
        ["types"] = "type",
        ["keys"] = "key",
    };

    public static async Task SubscribeAsync(HttpContext context, StreamOpener streams, IOptions<EventsOptions> options)
    {
        StreamRequest request;
        try
        {
            await context.TakeBodyAsync(Lists);
            var query = context.Request.Query;
            if (FilterQuery.Read(query, options.Value, out var filter) is { } invalid)
            {
                await invalid.ExecuteAsync(context);
                return;
            }
            if (FilterQuery.Authorize(context, ref filter) is { } forbidden)
            {
                await forbidden.ExecuteAsync(context);
                return;
            }
            FrameFormat format = query.Flag("envelope") == true ? EnvelopeFormat.Instance : PlainFormat.Named;
            request = context.Subscription(
                new StreamFilter(
                    filter.Topics.Count == 0 ? Everything : filter.Topics,
                    filter.Types,
                    filter.Keys,
                    format
                )
            );
        }
        catch (InvalidRequestException e)
        {
            await e.ToResult().ExecuteAsync(context);
            return;
        }
        await streams.OpenAsync(context, request);
    }

    /// <summary>For the document.</summary>
    internal sealed record SubscribeBody(
        string[]? Topics,
        string[]? Types,
        string[]? Keys,
        bool? Envelope,
        string? From,
        string? Slow,
        string? LastEventId
    );
}
