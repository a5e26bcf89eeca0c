using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;

namespace StreamApi;

/// <summary>Problem details (RFC 9457) for errors before a stream starts; they name the invalid field.</summary>
internal static class Problems
{
    public static void AddProblems(this WebApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Complete);
        builder.Services.AddSingleton<IProblemDetailsWriter, AnyAcceptWriter>();
        builder.Services.ConfigureHttpJsonOptions(json =>
            json.SerializerOptions.Encoder = ReadableJsonEncoder.Instance
        );
    }

    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusProblems();
        app.UseRequestErrors();
    }

    /// <summary>Writes an error that has no body, as UseStatusCodePages does, which keeps a dictionary for each
    /// request.</summary>
    private static void UseStatusProblems(this WebApplication app)
    {
        var problems = app.Services.GetRequiredService<IProblemDetailsService>();
        app.Use(
            async (context, next) =>
            {
                await next(context);

                var response = context.Response;
                if (
                    response is { HasStarted: false, StatusCode: >= 400 and < 600, ContentLength: null }
                    && string.IsNullOrEmpty(response.ContentType)
                    && context.GetEndpoint()?.Metadata.GetMetadata<ISkipStatusCodePagesMetadata>() is null
                )
                    await problems.WriteAsync(
                        new() { HttpContext = context, ProblemDetails = { Status = response.StatusCode } }
                    );
            }
        );
    }

    /// <summary>Adds a title and detail to the framework's own errors.</summary>
    private static void Complete(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        var problem = context.ProblemDetails;
        problem.Title ??= ReasonPhrases.GetReasonPhrase(problem.Status ?? context.HttpContext.Response.StatusCode);
        problem.Detail ??= (problem.Status ?? context.HttpContext.Response.StatusCode) switch
        {
            StatusCodes.Status404NotFound =>
                $"No endpoint matches {request.Path}. See /openapi/v1.json for the endpoints.",
            StatusCodes.Status405MethodNotAllowed => $"{request.Path} does not accept {request.Method}. "
                + $"Allowed: {context.HttpContext.Response.Headers.Allow}.",
            StatusCodes.Status415UnsupportedMediaType => "Content-Type: must be application/json.",
            _ => null,
        };
    }

    /// <summary>Writes problem details also to a client that accepts only <c>text/event-stream</c>.</summary>
    private sealed class AnyAcceptWriter : IProblemDetailsWriter
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
}
