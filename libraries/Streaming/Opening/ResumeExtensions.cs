using Streaming.Opening;

namespace AspireSse.Server;

/// <summary>Tells a stream that goes on from a new one, as a rate limiter needs to.</summary>
public static class ResumeExtensions
{
    /// <summary>Returns true if the request is of a stream and has a last id by which it can resume, so that a 429 or
    /// 503 would stop its <c>EventSource</c> for good: see <see cref="ServerResultExtensions.Reconnect"/>.</summary>
    public static bool IsResume(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var metadata = context.GetEndpoint()?.Metadata.GetMetadata<StreamMetadata>();
        if ((metadata ?? context.Features.Get<StreamMetadata>()) is not { Resumes: true } stream)
            return false;

        var last = LastEventId.Of(context.Request);
        return last.Id is not null
            || (stream.TakesOrdinals && last.Text is { } text && !text.AsSpan().ContainsAnyExceptInRange('0', '9'));
    }
}
