using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using StreamApi.Security;

namespace StreamApi.Events;

/// <summary>
/// <c>POST /v1/events</c>: one event, an array (all or nothing), or NDJSON. Returns 202 once the events are durable.
/// </summary>
internal static class PublishApi
{
    /// <summary>Maximum bytes of a body that is not NDJSON, unless one event may be larger. The data of an array must
    /// fit into one append (<see cref="EventStoreOptions.MaxBatchBytes"/>) as well.</summary>
    private const int MaxBodyBytes = 4 * 1024 * 1024;

    public static void MapPublish(this IEndpointRouteBuilder events) =>
        events
            .MapPost("/events", PublishAsync)
            .CountedAs(RequestKind.Publish)
            .Body(typeof(PublishBody), lines: "One event per line.")
            .Produces<Published>(StatusCodes.Status202Accepted);

    private static async Task<IResult> PublishAsync(
        HttpContext context,
        IEventLog log,
        NdjsonPublish ndjson,
        RequestBudget budget,
        IOptions<EventsOptions> options,
        IOptions<EventStoreOptions> store
    )
    {
        var type = JsonRequest.TypeOf(context);
        if (type?.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase) == true)
            return await ndjson.PublishAsync(context);
        if (!JsonRequest.IsJson(type))
            throw UnsupportedType();

        using var json = await JsonRequest.ReadJsonAsync(
            context,
            Math.Max(MaxBodyBytes, options.Value.MaxLineBytes),
            check: text => CheckLength(text, options.Value.MaxArrayEvents)
        );
        var events = Read(json.Root, options.Value, Caller.Of(context).Grants);
        if (events.Count > 1 && events.Sum(e => (long)Encoding.UTF8.GetByteCount(e.Data)) > store.Value.MaxBatchBytes)
            throw new InvalidRequestException(
                "body",
                $"the data of an array must have at most {store.Value.MaxBatchBytes} bytes. Use NDJSON for more.",
                StatusCodes.Status413PayloadTooLarge
            );

        budget.Charge(context, events);

        try
        {
            var appended = await log.AppendForAsync(Caller.PublisherOf(context), events, context.RequestAborted);
            return TypedResults.Accepted((string?)null, Published.Of(appended));
        }
        catch (EventConflictException e)
        {
            throw new InvalidRequestException("id", e.Message, StatusCodes.Status409Conflict);
        }
    }

    private static void CheckLength(ReadOnlyMemory<byte> body, int maxEvents)
    {
        if (ParsedJson.IsLongerArray(body.Span, maxEvents))
            throw new InvalidRequestException(
                "body",
                $"an array must have at most {maxEvents} events. Use NDJSON for more.",
                StatusCodes.Status413PayloadTooLarge
            );
    }

    private static List<NewEvent> Read(JsonElement body, EventsOptions limits, TopicGrants grants)
    {
        var events = new List<NewEvent>();
        if (body.ValueKind != JsonValueKind.Array)
            events.Add(EventDocument.Read(body, limits, grants));
        else
            foreach (var one in body.EnumerateArray())
                events.Add(EventDocument.Read(one, limits, grants, $"[{events.Count}]."));

        return events;
    }

    private static InvalidRequestException UnsupportedType() =>
        new(
            "Content-Type",
            "must be application/json or application/x-ndjson.",
            StatusCodes.Status415UnsupportedMediaType
        );

    /// <summary>One event, for the OpenAPI document. The endpoint also accepts an array of them.</summary>
    private sealed record PublishBody(string Topic, string Type, object Data, string? Key, Guid? Id);
}

/// <summary>The response to a publish request.</summary>
internal sealed record Published(int Accepted, IReadOnlyList<PublishedEvent> Events)
{
    public static Published Of(IReadOnlyList<AppendedEvent> events) =>
        new(events.Count, [.. events.Select(e => new PublishedEvent(e.Id, e.At.ToString()))]);
}

internal sealed record PublishedEvent(Guid Id, string Position);
