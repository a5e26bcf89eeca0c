using EventStore;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Streaming.Frames;

namespace StreamApi;

/// <summary>Errors before a stream: problem details (RFC 9457), the field that is wrong by its name.</summary>
internal static class Problems
{
    public static void AddProblems(this WebApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Complete);
        builder.Services.AddSingleton<IProblemDetailsWriter, ForAnyAccept>();
        builder.Services.AddExceptionHandler<StoreUnavailableHandler>();
        builder.Services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.Encoder = Streaming.Frames.ReadableJsonEncoder.Instance
        );
    }

    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(
            new ExceptionHandlerOptions { SuppressDiagnosticsCallback = e => IsStoreAway(e.Exception) }
        );
        app.UseStatusCodePages();
    }

    /// <summary>What the framework refuses by itself it does not explain.</summary>
    private static void Complete(ProblemDetailsContext context)
    {
        var (request, problem) = (context.HttpContext.Request, context.ProblemDetails);
        problem.Title ??= ReasonPhrases.GetReasonPhrase(problem.Status ?? context.HttpContext.Response.StatusCode);
        problem.Detail ??= (problem.Status ?? context.HttpContext.Response.StatusCode) switch
        {
            StatusCodes.Status404NotFound =>
                $"There is nothing at {request.Path}. /openapi/v1.json lists what there is.",
            StatusCodes.Status405MethodNotAllowed =>
                $"{request.Path} does not take {request.Method}; it takes {context.HttpContext.Response.Headers.Allow}.",
            StatusCodes.Status415UnsupportedMediaType => "Content-Type: must be application/json.",
            _ => null,
        };
    }

    /// <summary>Entity Framework wraps what it takes for transient.</summary>
    private static bool IsStoreAway(Exception e) =>
        e is StoreUnavailableException or TimeoutException or NpgsqlException { IsTransient: true }
        || (e is InvalidOperationException or DbUpdateException && e.InnerException is { } inner && IsStoreAway(inner));

    /// <summary>A client that accepts only <c>text/event-stream</c> is told what is wrong too.</summary>
    private sealed class ForAnyAccept : IProblemDetailsWriter
    {
        public bool CanWrite(ProblemDetailsContext context) => true;

        public async ValueTask WriteAsync(ProblemDetailsContext context)
        {
            Complete(context);
            await context.HttpContext.Response.WriteAsJsonAsync(
                context.ProblemDetails,
                options: null,
                "application/problem+json",
                context.HttpContext.RequestAborted
            );
        }
    }

    /// <summary>The store is away or overloaded: 503 with the time to wait.</summary>
    private sealed class StoreUnavailableHandler(IProblemDetailsService problems) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(
            HttpContext context,
            Exception exception,
            CancellationToken cancellationToken
        )
        {
            if (!IsStoreAway(exception))
                return false;
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "2";
            return await problems.TryWriteAsync(
                new ProblemDetailsContext
                {
                    HttpContext = context,
                    ProblemDetails =
                    {
                        Title = "The event store is away",
                        Detail =
                            "Postgres does not answer, or too many requests wait for it. Try again in some seconds.",
                        Status = 503,
                    },
                }
            );
        }
    }
}
