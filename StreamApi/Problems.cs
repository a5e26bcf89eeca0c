using EventStore;
using Microsoft.AspNetCore.Diagnostics;

namespace StreamApi;

/// <summary>Errors before a stream: problem details (RFC 9457), the field that is wrong by its name.</summary>
internal static class Problems
{
    public static void AddProblems(this WebApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails();
        builder.Services.AddExceptionHandler<StoreAway>();
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Encoder = Streaming.Frames.ReadableJsonEncoder.Instance);
    }

    public static void UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions { SuppressDiagnosticsCallback = e => e.Exception is StoreUnavailableException });
        app.UseStatusCodePages();
    }

    /// <summary>400 for one field of the query or body.</summary>
    public static IResult Field(string field, string message, int status = StatusCodes.Status400BadRequest) => TypedResults.Problem(
        statusCode: status, title: "Invalid request", detail: $"{field}: {message}",
        extensions: new Dictionary<string, object?> { ["errors"] = new Dictionary<string, string[]> { [field] = [message] } });

    /// <summary>The store is away or overloaded: 503 with the time to wait.</summary>
    private sealed class StoreAway(IProblemDetailsService problems) : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
        {
            if (exception is not StoreUnavailableException) return false;
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = "2";
            return await problems.TryWriteAsync(new ProblemDetailsContext
            {
                HttpContext = context, ProblemDetails = { Title = "The event store is away", Detail = exception.Message + " Try again in some seconds.", Status = 503 },
            });
        }
    }
}
