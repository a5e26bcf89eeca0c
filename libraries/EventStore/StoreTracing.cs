using System.Diagnostics;

namespace EventStore;

/// <summary>Spans of the event's way; source <c>AspireSse.EventStore</c>. One span a batch, never one an
/// event.</summary>
public static class StoreTracing
{
    private static readonly ActivitySource Source = new("AspireSse.EventStore");

    /// <summary>
    /// Starts the span of a batch: child of the first traced event, linked to the others (at most 20), so that one
    /// event alone gives one
    /// trace from its publish to its fan-out. Null where nothing is traced or nobody listens.
    /// </summary>
    public static Activity? StartBatch(
        string name,
        ActivityKind kind,
        IEnumerable<string?> traceParents,
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
            if (text is null || !ActivityContext.TryParse(text, null, isRemote: true, out var one))
                continue;
            if (context == default)
                context = one;
            else if (one.TraceId != context.TraceId && (links ??= []).Count < 20)
                links.Add(new ActivityLink(one));
        }
        return context == default ? null : Source.StartActivity(name, kind, context, links: links);
    }
}
