using Microsoft.AspNetCore.WebUtilities;

namespace LlmGateway.Dialects.Paths;

/// <summary>Writes the framework's own errors under <c>/v1</c> in the format of the vendor whose client asks, since the
/// vendor has paths and methods that this server lacks. Other clients get problem details.</summary>
internal sealed class VendorProblems : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context) =>
        context.HttpContext.Request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase)
        && IsOfVendor(context.HttpContext.Request);

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        var status = http.Response.StatusCode;
        await VendorPathsApi.FormatOf(http).RefuseAsync(http, status, MessageOf(http, status), retryAfter: null);
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

    /// <summary>Returns true if a header identifies the client: Anthropic's <c>anthropic-version</c>, OpenAI's
    /// <c>User-Agent</c>, or <c>x-stainless-lang</c>, which the clients of both send from a page too.</summary>
    private static bool IsOfVendor(HttpRequest request) =>
        request.Headers.ContainsKey("anthropic-version")
        || request.Headers.ContainsKey("x-stainless-lang")
        || $"{request.Headers.UserAgent}".StartsWith("OpenAI/", StringComparison.Ordinal);
}
