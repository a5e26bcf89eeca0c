using System.Globalization;
using Streaming.Endpoints;

namespace StreamApi.Security;

/// <summary>Says no before an endpoint is reached, in the words of the endpoint: problem details, or a vendor's error
/// where its clients call.</summary>
internal static class Refusals
{
    public static Task WriteAsync(
        HttpContext context,
        int status,
        string title,
        string detail,
        TimeSpan? retryAfter = null
    )
    {
        if (retryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds))
                .ToString(CultureInfo.InvariantCulture);
        return context.GetEndpoint()?.Metadata.GetMetadata<RefusalFormat>() is { } format
            ? format.Write(context, status, detail, retryAfter)
            : TypedResults.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(context);
    }

    /// <summary>
    /// How late who asks again and again without looking at Retry-After is answered: about once a second on each of his
    /// connections, and the others have the
    /// processor. Not all at the same moment: a thousand that wait would come back as one.
    /// </summary>
    public static TimeSpan Lateness => TimeSpan.FromSeconds(0.5 + Random.Shared.NextDouble());

    /// <summary>Waits, and lets the connection go with the answer.</summary>
    public static async Task DelayAsync(HttpContext context, TimeSpan delay)
    {
        await Task.Delay(delay, context.RequestServices.GetRequiredService<TimeProvider>(), context.RequestAborted)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        // Thousands that are kept open would be looked at by every collection. HTTP/2 knows no such header (RFC 9113
        // §8.2.2).
        if (HttpProtocol.IsHttp11(context.Request.Protocol))
            context.Response.Headers.Connection = "close";
    }
}
