using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using StreamApi.Requests;
using StreamApi.Streaming;
using StreamApi.Streaming.Connections;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Frames;

namespace StreamApi.Events;

/// <summary>
/// <c>/v1/events/stream</c>: GET with a query, POST and QUERY with <c>{"topics":[…],"types":[…],"keys":[…]}</c> and what else the query takes. Lists of both
/// count together; of the rest the body's counts.
/// </summary>
internal static class SubscribeEndpoint
{
    private const int MaxBytes = 256 * 1024;
    private static readonly string[] Everything = [">"];

    public static async Task SubscribeAsync(HttpContext context, Streams streams, IOptions<EventsOptions> options)
    {
        var query = context.Request.Query;
        if (FilterQuery.Read(query, options.Value, out var filter) is { } invalid) { await invalid.ExecuteAsync(context); return; }
        SubscribeBody? body = null;
        if (!HttpMethods.IsGet(context.Request.Method) && context.Request.ContentLength != 0)
        {
            try
            {
                using var document = await JsonRequest.ReadAsync(context, MaxBytes);
                body = document.Deserialize<SubscribeBody>(JsonSerializerOptions.Web);
            }
            catch (InvalidRequestException e) { await e.ToResult().ExecuteAsync(context); return; }
            catch (JsonException e) { await Problems.Field("body", $"is not a subscription: {(e.Path is { Length: > 2 } path ? path[2..] + " has the wrong type" : $"line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}")}.").ExecuteAsync(context); return; }
            if (FilterQuery.Check([.. filter.Topics, .. body?.Topics ?? []], [.. filter.Types, .. body?.Types ?? []], [.. filter.Keys, .. body?.Keys ?? []], options.Value, out filter) is { } wrong)
            {
                await wrong.ExecuteAsync(context);
                return;
            }
        }
        if (FilterQuery.Authorize(context, ref filter) is { } forbidden) { await forbidden.ExecuteAsync(context); return; }
        var envelope = body?.Envelope is { } enveloped ? enveloped ? "true" : "false" : query["envelope"].ToString();
        if (envelope is not ("" or "true" or "false")) { await Problems.Field("envelope", "is true or false.").ExecuteAsync(context); return; }
        var from = body?.From ?? query["from"].ToString();
        if (from is not ("" or "earliest" or "head")) { await Problems.Field("from", "is earliest or head.").ExecuteAsync(context); return; }

        if (SlowReaders.Parse(body?.Slow ?? query["slow"].ToString()) is not { } slow) { await Problems.Field("slow", "is catch-up, latest or disconnect.").ExecuteAsync(context); return; }

        FrameForm form = envelope == "true" ? EnvelopeForm.Instance : PlainForm.Named;
        var topics = filter.Topics.Count == 0 ? Everything : filter.Topics;
        await streams.OpenAsync(context, new StreamRequest(new StreamFilter(topics, filter.Types, filter.Keys, form), LastEventId.Of(context.Request, body?.LastEventId ?? body?.LastEventIdInSnakeCase), FromEarliest: from == "earliest", Slow: slow));
    }

    internal sealed record SubscribeBody(string[]? Topics, string[]? Types, string[]? Keys, bool? Envelope, string? From, string? Slow, string? LastEventId,
        [property: JsonPropertyName("last_event_id")] string? LastEventIdInSnakeCase);
}
