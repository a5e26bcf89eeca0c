using System.Net;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;
using WebFrontend.StreamApi;

namespace WebFrontend.Load;

/// <summary>
/// Starting load tests and reading their reports. Only in Development, only from this machine, and a run only by a page
/// of this origin:
/// it starts a process.
/// </summary>
internal static class LoadApi
{
    // A report is a page of somebody else's making: it gets an origin of its own, and no network.
    private const string ReportPolicy =
        "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

    public static void AddLoad(this WebApplicationBuilder builder)
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(s =>
            LoadTestsProgram.From(builder.Configuration, builder.Environment, s.GetRequiredService<StreamApiAddress>())
        );
        builder.Services.AddSingleton<LoadRuns>();
        builder.Services.AddSingleton<LoadReports>();
        builder.Services.AddHostedService(s => s.GetRequiredService<LoadRuns>());
    }

    public static void MapLoad(this WebApplication app)
    {
        if (!app.Services.GetRequiredService<LoadTestsProgram>().CanStart)
            return;
        var load = app.MapGroup("/load").AddEndpointFilter(OnlyHereAsync);
        load.MapPost("/runs", Start);
        load.MapDelete(
            "/runs",
            (LoadRuns runs) =>
            {
                runs.Stop();
                return TypedResults.NoContent();
            }
        );
        load.MapGet(
                "/stream",
                (HttpContext context, LoadRuns runs, IHostApplicationLifetime lifetime) =>
                {
                    var ends = CancellationTokenSource.CreateLinkedTokenSource(
                        context.RequestAborted,
                        lifetime.ApplicationStopping
                    );
                    context.Response.RegisterForDispose(ends);
                    return TypedResults.ServerSentEvents(
                        LoadStream.ReadAsync(
                            runs,
                            context.Request.Headers["Last-Event-ID"].FirstOrDefault(),
                            ends.Token
                        )
                    );
                }
            )
            .DisableHttpMetrics();
        load.MapGet("/reports", (LoadReports reports) => TypedResults.Ok(reports.List()));
        load.MapGet("/reports/{id}/{scenario}", Report);
    }

    private static Results<Accepted<object>, ValidationProblem, ProblemHttpResult> Start(
        LoadRequest request,
        LoadRuns runs
    )
    {
        if (request.Problems() is { Count: > 0 } problems)
            return TypedResults.ValidationProblem(problems);
        return runs.TryStart(request) is { } run
            ? TypedResults.Accepted((string?)null, (object)new { id = run.Id })
            : TypedResults.Problem(
                statusCode: StatusCodes.Status409Conflict,
                title: "A load test is running",
                detail: "One at a time: wait for its end, or stop it."
            );
    }

    private static Results<PhysicalFileHttpResult, NotFound> Report(
        string id,
        string scenario,
        HttpContext context,
        LoadReports reports
    )
    {
        if (reports.Page(id, scenario) is not { } file)
            return TypedResults.NotFound();
        context.Response.Headers.ContentSecurityPolicy = ReportPolicy;
        return TypedResults.PhysicalFile(file, "text/html; charset=utf-8");
    }

    // A name that leads here by DNS, or a page of another origin, is not the person at this machine.
    private static async ValueTask<object?> OnlyHereAsync(
        EndpointFilterInvocationContext invocation,
        EndpointFilterDelegate next
    )
    {
        var (request, from) = (invocation.HttpContext.Request, invocation.HttpContext.Connection.RemoteIpAddress);
        var here =
            (from is null || IPAddress.IsLoopback(from))
            && (
                request.Host.Host == "localhost"
                || (IPAddress.TryParse(request.Host.Host.Trim('[', ']'), out var host) && IPAddress.IsLoopback(host))
            );
        var ours =
            HttpMethods.IsGet(request.Method)
            || request.Headers["Sec-Fetch-Site"].FirstOrDefault() is null or "same-origin";
        return here && ours
            ? await next(invocation)
            : TypedResults.Problem(
                statusCode: StatusCodes.Status403Forbidden,
                title: "Not from here",
                detail: "Load tests are started from this machine, by the page at localhost."
            );
    }
}
