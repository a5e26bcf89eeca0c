using Streaming.Endpoints;

namespace Streaming.Opening;

/// <summary>Marks an endpoint whose streams also accept the ordinal of an event as last id.</summary>
internal sealed record OrdinalIds;

/// <summary>Recognizes resuming clients, which are admitted first and never get 429 or 503.</summary>
internal static class StreamResume
{
    public static RouteHandlerBuilder TakesOrdinals(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new OrdinalIds());

    /// <summary>Returns true for a valid last id: a stream id, or digits at endpoints that take ordinals.</summary>
    public static bool IsResume(this HttpContext context)
    {
        if (
            context.GetEndpoint()?.Metadata is not { } metadata
            || metadata.GetMetadata<StreamDescription>() is not { Resumes: true }
        )
            return false;
        var last = LastEventId.Of(context.Request);
        return last.Id is not null
            || (
                last.Text is { } text
                && !text.AsSpan().ContainsAnyExceptInRange('0', '9')
                && metadata.GetMetadata<OrdinalIds>() is not null
            );
    }
}
