using System.Diagnostics;

namespace EventStore;

/// <summary>Spans, one per batch, from publish to stream; source <c>AspireSse.EventStore</c>. Thread-safe.</summary>
internal static class EventTracing
{
    private const int MaxLinks = 20;

    private static readonly ActivitySource Source = new("AspireSse.EventStore");

    /// <summary>The traceparent of the current span, or null without one. An id of the older, hierarchical form counts
    /// as none, because it may hold any text of a request's header.</summary>
    public static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C } span ? span.Id : null;

    /// <summary>Starts the span of a batch: a child of <paramref name="parent"/>, or else of the first traced event,
    /// and linked to the traces of the other events (at most 20).</summary>
    /// <returns>Null if no event is traced or nothing listens.</returns>
    public static Activity? StartBatch(
        string name,
        ActivityKind kind,
        IReadOnlyList<EventRecord> events,
        string? parent = null
    ) => StartBatch(name, kind, events.Select(e => e.TraceParent), events.Count, parent);

    /// <inheritdoc cref="StartBatch(string, ActivityKind, IReadOnlyList{EventRecord}, string?)"/>
    internal static Activity? StartBatch(
        string name,
        ActivityKind kind,
        IEnumerable<string?> traceParents,
        int count,
        string? parent = null
    )
    {
        if (!Source.HasListeners())
            return null;

        ActivityContext context = default;
        List<ActivityLink>? links = null;
        if (parent is not null)
            ActivityContext.TryParse(parent, null, isRemote: true, out context);

        foreach (var text in traceParents)
        {
            if (links?.Count == MaxLinks)
                break;
            if (text is null || !ActivityContext.TryParse(text, null, isRemote: true, out var one))
                continue;
            if (context == default)
                context = one;
            else if (one.TraceId != context.TraceId)
                (links ??= new(MaxLinks)).Add(new ActivityLink(one));
        }

        if (context == default)
            return null;

        var span = Source.StartActivity(name, kind, context, links: links);
        return span?.SetTag("messaging.batch.message_count", count);
    }
}
