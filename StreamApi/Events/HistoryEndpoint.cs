using System.Globalization;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using StreamApi.Security.Limits;
using Streaming.Frames;
using Streaming.Requests;

namespace StreamApi.Events;

/// <summary><c>GET /v1/events?topic=…&amp;type=…&amp;after=…&amp;limit=…</c>: the log, page by page.</summary>
internal static class HistoryEndpoint
{
    /// <summary>A filter that matches little does not walk the whole log at one request: what is not found by then,
    /// <c>next</c> leads to.</summary>
    private const int MaxReads = 4;

    /// <summary>Bytes of a page that are written at once.</summary>
    private const int FlushBytes = 16 * 1024;

    public static async Task<IResult> ReadAsync(
        HttpContext context,
        [FromKeyedServices(StorePool.Reads)] EventReader reader,
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

        var events = new List<EventRecord>();
        var (position, bytes, reads) = (after?.Position ?? 0, 0L, 0);
        var hold = MemoryHold.Of(context);
        EventPage page;
        do
        {
            page = await reader.ReadAsync(
                position,
                filter,
                limit - events.Count,
                mostBytes: options.Value.MaxPageBytes - (int)bytes,
                cancellationToken: context.RequestAborted
            );
            if (after is { } asked && asked.Epoch != page.Epoch)
                return InvalidRequestException.ProblemOf(
                    "after",
                    $"is of the epoch {asked.Epoch}; the store's is {page.Epoch}. Read from the start."
                );
            if (after is { } ahead && ahead.Position > page.Head)
                return InvalidRequestException.ProblemOf(
                    "after",
                    $"lies beyond the head, {new StreamId(page.Epoch, page.Head)}."
                );
            events.AddRange(page.Events);
            foreach (var e in page.Events)
                bytes += e.Data.Length;
            hold.Set(bytes);
            position = page.Through;
        } while (
            events.Count < limit && bytes < options.Value.MaxPageBytes && position < page.Head && ++reads < MaxReads
        );
        return new HistoryPage(page.Epoch, page.Head, events, position < page.Head ? position : null);
    }

    /// <summary>Written event by event: their data is JSON already.</summary>
    private sealed class HistoryPage(string epoch, long head, List<EventRecord> events, long? next) : IResult
    {
        public async Task ExecuteAsync(HttpContext context)
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            await using var json = new Utf8JsonWriter(context.Response.BodyWriter, EventEnvelope.JsonOptions);
            json.WriteStartObject();
            json.WriteStartArray("events"u8);
            foreach (var e in events)
            {
                EventEnvelope.Write(json, new StreamId(epoch, e.Position).ToString(), e);
                // In parts: a page of megabytes would be held a second time, and its reader's progress could not be
                // seen.
                if (context.Response.BodyWriter.UnflushedBytes + json.BytesPending < FlushBytes)
                    continue;
                json.Flush();
                await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
            }
            json.WriteEndArray();
            json.WriteString("next"u8, next is { } position ? new StreamId(epoch, position).ToString() : null);
            json.WriteString("head"u8, new StreamId(epoch, head).ToString());
            json.WriteEndObject();
        }
    }
}
