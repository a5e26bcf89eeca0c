using System.Globalization;
using Streaming.Requests;

namespace Streaming.Endpoints;

/// <summary>Writes an endpoint's refusals, from the status, the detail and, if known, the time to wait.</summary>
internal sealed record RefusalFormat(Func<HttpContext, int, string, TimeSpan?, Task> Write);

internal static class RefusalFormatExtensions
{
    public static RouteHandlerBuilder RefusesAs(
        this RouteHandlerBuilder endpoint,
        Func<HttpContext, int, string, TimeSpan?, Task> write
    ) => endpoint.WithMetadata(new RefusalFormat(write));

    /// <summary>Sets <c>Retry-After</c> (RFC 9110 §10.2.3), in whole seconds.</summary>
    public static void SetRetryAfter(this HttpContext context, TimeSpan wait) =>
        context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds))
            .ToString(CultureInfo.InvariantCulture);

    public static Task RefuseAsync(
        this HttpContext context,
        int status,
        string title,
        string detail,
        TimeSpan? retryAfter = null
    )
    {
        if (retryAfter is { } wait)
            context.SetRetryAfter(wait);
        return context.OwnFormat() is { } format
            ? format.Write(context, status, detail, retryAfter)
            : new ProblemAnswer(status, title, detail).ExecuteAsync(context);
    }

    public static Task RefuseAsync(this HttpContext context, InvalidRequestException refused) =>
        context.OwnFormat() is { } format
            ? format.Write(context, refused.Status, $"{refused.Field}: {refused.Problem}", null)
            : refused.ToResult().ExecuteAsync(context);

    private static RefusalFormat? OwnFormat(this HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RefusalFormat>();
}
