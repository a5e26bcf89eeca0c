using System.Globalization;
using Streaming.Refusals;

namespace AspireSse.Server;

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

    /// <summary>Sets <c>Retry-After</c> (RFC 9110 §10.2.3), in whole seconds.</summary>
    public static void SetRetryAfter(this HttpContext context, TimeSpan wait)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);
    }
}
