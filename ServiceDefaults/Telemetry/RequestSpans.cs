using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using OpenTelemetry.Instrumentation.AspNetCore;

namespace ServiceDefaults.Telemetry;

/// <summary>Completes the server spans of ASP.NET Core 10 by OpenTelemetry's conventions, see
/// <see href="https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span"/>.</summary>
internal static class RequestSpans
{
    /// <summary>Gives a span its method, address and path at its start, where <see cref="QuietSpans"/> needs the path.
    /// Off by default in .NET 10, on in .NET 11; read when the server starts.</summary>
    public static void EnableNativeTags() =>
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);

    public static void Configure(AspNetCoreTraceInstrumentationOptions options)
    {
        options.RecordException = true;
        options.EnrichWithHttpResponse = Complete;
        // A span per component and circuit would hide the requests.
        options.EnableRazorComponentsSupport = false;
    }

    private static void Complete(Activity span, HttpResponse response)
    {
        // A group's empty pattern leaves a slash at the end ("/v1/events/").
        if (span.GetTagItem("http.route") is string { Length: > 1 } route && route[^1] == '/')
        {
            span.SetTag("http.route", route[..^1]);
            span.DisplayName = span.DisplayName[..^1];
        }

        // The convention's url.query is left out. It may contain a ticket, because EventSource cannot send a header, or
        // a prompt, and a list of such names would never be complete.
        span.SetTag("url.query", null);
    }
}
