using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using Microsoft.AspNetCore.WebUtilities;
using Streaming.Refusals;

namespace LlmGateway.Dialects.Paths;

/// <summary>
/// Refuses paths and methods that this server lacks in the format of the vendor that has them. So it refuses known
/// paths for every caller, because the vendor's clients read nothing else, and other paths under <c>/v1</c> for a
/// client that a header identifies.
/// </summary>
internal sealed class VendorPaths : IProblemDetailsWriter
{
    private static readonly string[] Roots = (
        "assistants audio batches chat complete completions containers conversations embeddings evals files "
        + "fine_tuning images messages moderations realtime responses skills threads uploads vector_stores videos"
    ).Split(' ');

    public static void Map(IEndpointRouteBuilder app)
    {
        // The route takes any method: the existing endpoints are more specific, so routing prefers them.
        foreach (var root in Roots)
            app.Map($"/v1/{root}/{{**rest}}", (Delegate)((HttpContext context) => RefuseAsync(context, root)))
                .Publishes(ChatCall.Topic)
                .RefusesAs(
                    (context, status, text, after) => FormatOf(context, root).RefuseAsync(context, status, text, after)
                )
                .ExcludeFromDescription();
    }

    /// <summary>Returns the format of the vendor whose clients send the request's headers, unless Anthropic alone has
    /// the path. Both vendors may have it, such as <c>/v1/files</c>.</summary>
    public static VendorFormat FormatOf(HttpContext context, string root = "") =>
        root is "messages" or "complete" || context.Request.Headers.ContainsKey("anthropic-version")
            ? MessagesWriter.Format
            : ChatCompletionsWriter.Format;

    /// <summary>Returns true if a header identifies the client: Anthropic's <c>anthropic-version</c>, OpenAI's
    /// <c>User-Agent</c>, or <c>x-stainless-lang</c>, which the clients of both send from a page too.</summary>
    public bool CanWrite(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        return request.Path.StartsWithSegments("/v1", StringComparison.OrdinalIgnoreCase)
            && (
                request.Headers.ContainsKey("anthropic-version")
                || request.Headers.ContainsKey("x-stainless-lang")
                || $"{request.Headers.UserAgent}".StartsWith("OpenAI/", StringComparison.Ordinal)
            );
    }

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var http = context.HttpContext;
        await RefuseAsync(http, FormatOf(http), http.Response.StatusCode, http.Request.Path);
    }

    private static Task RefuseAsync(HttpContext context, string root)
    {
        // The path lacks the prefix of a route group.
        var path = $"/v1/{root}/{context.GetRouteValue("rest")}".TrimEnd('/');
        var isHere =
            path is ChatCompletionsApi.Path or ResponsesApi.Path or MessagesApi.Path or MessagesApi.CountTokensPath;
        if (isHere)
            context.Response.Headers.Allow = "POST";
        return RefuseAsync(context, FormatOf(context, root), isHere ? 405 : 404, path);
    }

    private static Task RefuseAsync(HttpContext context, VendorFormat format, int status, string path)
    {
        var method = context.Request.Method;
        var message = status switch
        {
            404 => $"There is no {method} {path} here. This server has POST {ChatCompletionsApi.Path}, "
                + $"{ResponsesApi.Path}, {MessagesApi.Path} and {MessagesApi.CountTokensPath}, and GET /v1/models.",
            405 => $"{path} does not take {method}. Use {context.Response.Headers.Allow}.",
            _ => ReasonPhrases.GetReasonPhrase(status),
        };
        return format.RefuseAsync(context, status, message, retryAfter: null);
    }
}
