using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects;

/// <summary>
/// Refuses known paths of the vendors' APIs that this server lacks, and methods that its own paths do not take
/// (<see cref="VendorProblems"/> refuses all others). The refusal has the vendor's format for every caller, because the
/// vendor's clients read nothing else.
/// </summary>
internal static class VendorPathsApi
{
    /// <summary>Path of OpenAI's newer API.</summary>
    public const string Responses = "/v1/responses";

    private static readonly string[] OpenAiRoots =
    [
        "chat",
        "completions",
        "embeddings",
        "responses",
        "moderations",
        "images",
        "audio",
        "files",
        "batches",
        "assistants",
        "containers",
        "conversations",
        "evals",
        "fine_tuning",
        "realtime",
        "skills",
        "threads",
        "uploads",
        "vector_stores",
        "videos",
    ];

    private static readonly string[] AnthropicRoots = ["messages", "complete"];

    public static void MapVendorPaths(this IEndpointRouteBuilder app)
    {
        foreach (var root in OpenAiRoots)
            Map(root, RefuseByHeaderAsync);

        foreach (var root in AnthropicRoots)
            Map(root, MessagesFormat.Instance.RefuseAsync);

        // The route takes any method: the existing endpoints are more specific, so routing prefers them.
        void Map(string root, Func<HttpContext, int, string, TimeSpan?, Task> refuse) =>
            app.Map($"/v1/{root}/{{**rest}}", (Delegate)((HttpContext context) => RefuseAsync(context, root, refuse)))
                .Publishes(ChatCall.Topic)
                .RefusesAs(refuse)
                .ExcludeFromDescription();
    }

    /// <summary>Refuses a path that both vendors may have, such as <c>/v1/files</c>, in the format of Anthropic if the
    /// client sends its version header, else in OpenAI's.</summary>
    private static Task RefuseByHeaderAsync(HttpContext context, int status, string message, TimeSpan? retryAfter) =>
        ClientFormat.Of(context).RefuseAsync(context, status, message, retryAfter);

    private static Task RefuseAsync(
        HttpContext context,
        string root,
        Func<HttpContext, int, string, TimeSpan?, Task> refuse
    )
    {
        var method = context.Request.Method;
        // The path lacks the prefix of a route group.
        var path = $"/v1/{root}/{context.GetRouteValue("rest")}".TrimEnd('/');
        if (!(path is ChatCompletionsApi.Path or Responses or MessagesApi.Path or MessagesApi.CountTokensPath))
            return refuse(context, StatusCodes.Status404NotFound, NoPath(method, path), null);

        context.Response.Headers.Allow = "POST";
        return refuse(context, StatusCodes.Status405MethodNotAllowed, NoMethod(method, path, "POST"), null);
    }

    public static string NoPath(string method, string path) =>
        $"There is no {method} {path} here. This server has POST {ChatCompletionsApi.Path}, {Responses}, "
        + $"{MessagesApi.Path} and {MessagesApi.CountTokensPath}, and GET /v1/models.";

    public static string NoMethod(string method, string path, string allowed) =>
        $"{path} does not take {method}. Use {allowed}.";
}
