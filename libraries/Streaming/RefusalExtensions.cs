using System.Globalization;
using Streaming.Admission;
using Streaming.Endpoints;
using Streaming.Opening;
using Streaming.Requests;

namespace Microsoft.AspNetCore.Http;

/// <summary>Refuses requests before they reach their endpoints, as a rate limiter or an authentication handler
/// does.</summary>
/// <remarks>Needed only by a rate limiter or an authentication handler of the application's own.</remarks>
public static class RefusalExtensions
{
    /// <summary>Refuses a request in its endpoint's format: problem details, or the error format of the API whose
    /// clients call the endpoint.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">The status of the answer.</param>
    /// <param name="title">What is refused, in a few words.</param>
    /// <param name="detail">A sentence for the client's developer.</param>
    /// <param name="retryAfter">Time after which to ask again, or null if there is none.</param>
    public static Task RefuseAsync(
        this HttpContext context,
        int status,
        string title,
        string detail,
        TimeSpan? retryAfter = null
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        if (retryAfter is { } wait)
            context.SetRetryAfter(wait);
        return context.OwnFormat() is { } format
            ? format.Write(context, status, detail, retryAfter)
            : new ProblemAnswer(status, title, detail).ExecuteAsync(context);
    }

    /// <summary>Waits before a refusal, and closes the connection with it. Refusals sent at once to clients that ignore
    /// <c>Retry-After</c> would take the processors from others.</summary>
    /// <param name="context">The request.</param>
    /// <param name="delay">The wait, or null for half a second to one and a half, at random, so that clients do not
    /// return all at once.</param>
    public static Task DelayRefusalAsync(this HttpContext context, TimeSpan? delay = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        return LateRefusal.DelayAsync(context, delay ?? LateRefusal.RandomDelay);
    }

    /// <summary>Returns true if the request is for a stream and has a last id by which the stream can resume. A 429 or
    /// 503 would stop its <c>EventSource</c> for good: see <see cref="StreamResultExtensions.Reconnect"/>.</summary>
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

    /// <summary>Sets <c>Retry-After</c> (RFC 9110 §10.2.3), in whole seconds.</summary>
    public static void SetRetryAfter(this HttpContext context, TimeSpan wait)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);
    }
}
