using Streaming.Opening;

namespace AspireSse.Server;

/// <summary>Tells a stream that resumes from a new one.</summary>
/// <remarks>Needed by a rate limiter, which must not refuse a stream that resumes.</remarks>
public static class ResumeExtensions
{
    /// <summary>Returns true if the request is for a stream and has a last id by which the stream can resume. A 429 or
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
