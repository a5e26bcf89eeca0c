using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects.Paths;

/// <summary>
/// Refuses known paths of the vendors' APIs that this server lacks, and methods that its own paths do not take
/// (<see cref="VendorProblems"/> refuses all others). The refusal has the vendor's format for every caller, because the
/// vendor's clients read nothing else.
/// </summary>
internal static class VendorPathsApi
{
    /// <summary>Returns the format of the vendor whose clients send the request's headers, for a path that does not
    /// tell its vendor.</summary>
    public static VendorFormat FormatOf(HttpContext context) =>
        context.Request.Headers.ContainsKey("anthropic-version") ? MessagesWriter.Format : ChatCompletionsWriter.Format;

    private static readonly string[] Roots = (
        "assistants audio batches chat complete completions containers conversations embeddings evals files "
        + "fine_tuning images messages moderations realtime responses skills threads uploads vector_stores videos"
    ).Split(' ');

    public static void MapVendorPaths(this IEndpointRouteBuilder app)
    {
        // The route takes any method: the existing endpoints are more specific, so routing prefers them.
        foreach (var root in Roots)
            app.Map($"/v1/{root}/{{**rest}}", (Delegate)((HttpContext context) => RefuseAsync(context, root)))
                .Publishes(ChatCall.Topic)
                .RefusesAs(FormatOf(root))
                .ExcludeFromDescription();
    }

    /// <summary>Returns what refuses requests below a path. Both vendors may have it, such as <c>/v1/files</c>, or
    /// Anthropic alone.</summary>
    private static Func<HttpContext, int, string, TimeSpan?, Task> FormatOf(string root) =>
        root is "messages" or "complete"
            ? MessagesWriter.Format.RefuseAsync
            : (context, status, message, after) => FormatOf(context).RefuseAsync(context, status, message, after);

    private static Task RefuseAsync(HttpContext context, string root)
    {
        var method = context.Request.Method;
        // The path lacks the prefix of a route group.
        var path = $"/v1/{root}/{context.GetRouteValue("rest")}".TrimEnd('/');
        var refuse = FormatOf(root);
        if (!(path is ChatCompletionsApi.Path or ResponsesApi.Path or MessagesApi.Path or MessagesApi.CountTokensPath))
            return refuse(context, StatusCodes.Status404NotFound, NoPath(method, path), null);

        context.Response.Headers.Allow = "POST";
        return refuse(context, StatusCodes.Status405MethodNotAllowed, NoMethod(method, path, "POST"), null);
    }

    public static string NoPath(string method, string path) =>
        $"There is no {method} {path} here. This server has POST {ChatCompletionsApi.Path}, {ResponsesApi.Path}, "
        + $"{MessagesApi.Path} and {MessagesApi.CountTokensPath}, and GET /v1/models.";

    public static string NoMethod(string method, string path, string allowed) =>
        $"{path} does not take {method}. Use {allowed}.";
}
