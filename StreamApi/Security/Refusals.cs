using System.Globalization;

namespace StreamApi.Security;

/// <summary>Says no before an endpoint is reached, in the words of the endpoint: problem details, or a vendor's error where its clients call.</summary>
internal static class Refusals
{
    public static Task WriteAsync(HttpContext context, int status, string title, string detail, TimeSpan? retryAfter = null)
    {
        if (retryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return context.GetEndpoint()?.Metadata.GetMetadata<RefusalForm>() is { } form ? form.Write(context, status, detail, retryAfter)
            : TypedResults.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(context);
    }

    public static RouteHandlerBuilder RefusesAs(this RouteHandlerBuilder endpoint, Func<HttpContext, int, string, TimeSpan?, Task> write) => endpoint.WithMetadata(new RefusalForm(write));
}

/// <summary>How an endpoint words a refusal.</summary>
internal sealed record RefusalForm(Func<HttpContext, int, string, TimeSpan?, Task> Write);
