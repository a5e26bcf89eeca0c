namespace StreamApi.Events;

/// <summary>
/// <c>POST /v1/events</c>: one event, an array (all or nothing), or NDJSON. Returns 202 once the events are durable.
/// </summary>
internal static class PublishApi
{
    public static void MapPublish(this IEndpointRouteBuilder events) =>
        events
            .MapPost("/events", PublishAsync)
            .CountedAs(RequestKind.Publish)
            .Body(typeof(PublishBody), lines: "One event per line.")
            .Produces<Published>(StatusCodes.Status202Accepted);

    private static Task PublishAsync(HttpContext context, JsonPublish json, NdjsonPublish ndjson)
    {
        var type = JsonRequest.TypeOf(context);
        if (type?.MediaType.Equals("application/x-ndjson", StringComparison.OrdinalIgnoreCase) == true)
            return ndjson.PublishAsync(context);
        return JsonRequest.IsJson(type)
            ? json.PublishAsync(context)
            : throw new InvalidRequestException(
                "Content-Type",
                "must be application/json or application/x-ndjson.",
                StatusCodes.Status415UnsupportedMediaType
            );
    }

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
