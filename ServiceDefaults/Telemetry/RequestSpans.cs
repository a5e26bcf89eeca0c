using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Completes the server span of ASP.NET Core 10, which has method, address and path, but neither route, status nor
/// name. Runs before all other middleware, so it sees the final response. See
/// <see href="https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span">HTTP server spans</see>.
/// </summary>
internal sealed class RequestSpans : IStartupFilter
{
    // Off by default in .NET 10, on in .NET 11. Read when the server starts.
    public static void EnableNativeTags() =>
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) =>
        app =>
        {
            app.Use(CompleteAsync);
            next(app);
        };

    private static async Task CompleteAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } span)
        {
            await next(context);
            return;
        }

        try
        {
            await next(context);
            Complete(span, context, context.Response.StatusCode, error: null);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client disconnected, which is how most streams end and not an error.
            Complete(span, context, context.Response.StatusCode, error: null);
            throw;
        }
        catch (Exception e)
        {
            span.AddException(e);
            Complete(
                span,
                context,
                context.Response.HasStarted ? context.Response.StatusCode : 500,
                e.GetType().FullName
            );
            throw;
        }
    }

    private static void Complete(Activity span, HttpContext context, int status, string? error)
    {
        var method = span.GetTagItem("http.request.method") as string is { } known and not "_OTHER" ? known : "HTTP";
        if (Route(context) is { } route)
        {
            span.SetTag("http.route", route);
            span.DisplayName = $"{method} {route}";
        }
        else
            span.DisplayName = method;

        // The query may contain a ticket, because EventSource cannot send a header.
        if (span.GetTagItem("url.query") is string query)
            span.SetTag("url.query", SecretQueries.Redacted(query));
        span.SetTag("http.response.status_code", status);
        if (error is not null || status >= 500)
        {
            span.SetTag("error.type", error ?? $"{status}");
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    // An exception handler or status page runs the pipeline again without the original
    // endpoint. A group's empty pattern leaves a slash at the end ("/v1/events/").
    private static string? Route(HttpContext context)
    {
        var endpoint =
            context.Features.Get<IExceptionHandlerFeature>()?.Endpoint
            ?? context.Features.Get<IStatusCodeReExecuteFeature>()?.Endpoint
            ?? context.GetEndpoint();
        return (endpoint as RouteEndpoint)?.RoutePattern.RawText is { } text ? $"/{text.Trim('/')}" : null;
    }
}
