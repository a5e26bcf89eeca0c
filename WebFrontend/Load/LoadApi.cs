using System.Net;
using Microsoft.AspNetCore.Http.HttpResults;
using WebFrontend.Status;

namespace WebFrontend.Load;

/// <summary>
/// <c>/load/…</c>: starts load tests and serves their reports. Only in Development, only from this machine, and changes
/// only by pages of this origin, because a run starts a process.
/// </summary>
internal static class LoadApi
{
    // Reports come from another program: they get an opaque origin and no network.
    private const string ReportPolicy =
        "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        + "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    public static void AddLoad(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(s =>
            LoadTestsProgram.From(builder.Configuration, builder.Environment, s.GetRequiredService<StreamApiAddress>())
        );
        builder.Services.AddSingleton<LoadRunner>();
        builder.Services.AddSingleton<EarlierReports>();
        builder.Services.AddSingleton<LoadStream>();
        builder.Services.AddHostedService(s => s.GetRequiredService<LoadRunner>());
    }

    public static void MapLoad(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<LoadTestsProgram>().CanStart)
            return;

        var load = app.MapGroup("/load").AddEndpointFilter(RequireLocalAsync);
        load.MapPost("/runs", Start);
        load.MapDelete("/runs", Stop);
        load.MapGet("/stream", Watch).DisableHttpMetrics();
        load.MapGet("/reports", (EarlierReports reports) => TypedResults.Ok(reports.List()));
        load.MapGet("/reports/{id}/{scenario}", Report);
    }

    private static Results<Accepted<object>, ValidationProblem, ProblemHttpResult> Start(
        LoadRequest request,
        LoadRunner runs
    )
    {
        if (request.Problems() is { Count: > 0 } problems)
            return TypedResults.ValidationProblem(problems);
        return runs.TryStart(request) is { } run
            ? TypedResults.Accepted((string?)null, (object)new { id = run.Id })
            : TypedResults.Problem(
                statusCode: StatusCodes.Status409Conflict,
                title: "A load test is running",
                detail: "Only one load test runs at a time. Wait for it to end, or stop it."
            );
    }

    private static NoContent Stop(LoadRunner runs)
    {
        runs.Stop();
        return TypedResults.NoContent();
    }

    private static ServerSentEventsResult<string> Watch(
        HttpContext context,
        LoadStream stream,
        IHostApplicationLifetime lifetime
    )
    {
        // RequestAborted does not fire at shutdown; an open stream would delay it.
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        context.Response.RegisterForDispose(cancellation);

        var lastId = context.Request.Headers["Last-Event-ID"].FirstOrDefault();
        return TypedResults.ServerSentEvents(stream.ReadAsync(lastId, cancellation.Token));
    }

    private static Results<PhysicalFileHttpResult, NotFound> Report(
        string id,
        string scenario,
        HttpContext context,
        EarlierReports reports
    )
    {
        if (reports.Page(id, scenario) is not { } file)
            return TypedResults.NotFound();
        context.Response.Headers.ContentSecurityPolicy = ReportPolicy;
        return TypedResults.PhysicalFile(file, "text/html; charset=utf-8");
    }

    // Checks host and origin too: DNS rebinding and pages of other origins also connect from this machine.
    private static async ValueTask<object?> RequireLocalAsync(
        EndpointFilterInvocationContext invocation,
        EndpointFilterDelegate next
    )
    {
        var request = invocation.HttpContext.Request;
        var from = invocation.HttpContext.Connection.RemoteIpAddress;
        var isLocal =
            (from is null || IPAddress.IsLoopback(from))
            && (
                request.Host.Host == "localhost"
                || (IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out var host) && IPAddress.IsLoopback(host))
            );

        var isSameOrigin =
            HttpMethods.IsGet(request.Method)
            || request.Headers["Sec-Fetch-Site"].FirstOrDefault() is null or "same-origin";
        return isLocal && isSameOrigin
            ? await next(invocation)
            : TypedResults.Problem(
                statusCode: StatusCodes.Status403Forbidden,
                title: "Local access only",
                detail: "Load tests can be started only on this machine, by the page at localhost."
            );
    }
}
