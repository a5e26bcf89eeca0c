using Microsoft.AspNetCore.WebUtilities;

namespace LlmGateway.Dialects.Paths;

/// <summary>Writes the framework's own errors under <c>/v1</c> in the format of the vendor whose client asks, since the
/// vendor has paths and methods that this server lacks. Other clients get problem details.</summary>
internal sealed class VendorProblems : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) =>
        context.HttpContext.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase)
        && ClientFormat.IsOfVendor(context.HttpContext.Request);

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        var status = http.Response.StatusCode;
        await ClientFormat.Of(http).RefuseAsync(http, status, MessageOf(http, status), retryAfter: null);
    }

    private static string MessageOf(HttpContext context, int status)
    {
        var request = context.Request;
        return status switch
        {
            StatusCodes.Status404NotFound => VendorPathsApi.NoPath(request.Method, request.Path),
            StatusCodes.Status405MethodNotAllowed => VendorPathsApi.NoMethod(
                request.Method,
                request.Path,
                $"{context.Response.Headers.Allow}"
            ),
            _ => ReasonPhrases.GetReasonPhrase(status),
        };
    }
}
