using Streaming.Endpoints;

namespace Streaming.Opening;

/// <summary>Marks an endpoint whose streams also accept the ordinal of an event as last id.</summary>
internal sealed record OrdinalIds;

/// <summary>Recognizes resuming clients, which are admitted first and never get 429 or 503.</summary>
internal static class StreamResume
{
    /// <summary>Declares that the endpoint's streams also accept an ordinal as last id.</summary>
    public static RouteHandlerBuilder TakesOrdinals(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new OrdinalIds());

    /// <summary>
    /// Returns true if the request has a last id that is valid at its endpoint: a stream id, or digits where ordinals
    /// are accepted.
    /// </summary>
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
