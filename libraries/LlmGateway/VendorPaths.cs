using LlmGateway.Anthropic;
using LlmGateway.OpenAi;
using Streaming.Access;
using Streaming.Endpoints;

namespace LlmGateway;

/// <summary>
/// What the vendors' clients ask for, and what they are told where it is not here, or not by that method: in their
/// vendor's words, since
/// they read nothing else.
/// </summary>
internal static class VendorPaths
{
    public const string ChatCompletions = "/v1/chat/completions",
        Messages = "/v1/messages",
        CountTokens = "/v1/messages/count_tokens";

    /// <param name="app">The application.</param>
    /// <param name="topic">What a caller must be allowed to publish to, as for the endpoints that are here: others
    /// learn nothing.</param>
    public static void MapVendorPaths(this IEndpointRouteBuilder app, string topic)
    {
        foreach (
            var root in (string[])
                ["chat", "completions", "embeddings", "responses", "moderations", "images", "audio", "files", "batches"]
        )
            Map(root, OpenAiError.RefuseAsync);
        foreach (var root in (string[])["messages", "complete"])
            Map(root, AnthropicError.RefuseAsync);

        // Of any method: what is here by its own goes before it.
        void Map(string root, Func<HttpContext, int, string, TimeSpan?, Task> refuse) =>
            app.Map($"/v1/{root}/{{**rest}}", (Delegate)((HttpContext context) => RefuseAsync(context, refuse)))
                .Publishes(topic)
                .RefusesAs(refuse)
                .ExcludeFromDescription();
    }

    private static Task RefuseAsync(HttpContext context, Func<HttpContext, int, string, TimeSpan?, Task> refuse)
    {
        var (method, path) = (context.Request.Method, context.Request.Path.Value!.TrimEnd('/'));
        if (!(path is ChatCompletions or Messages or CountTokens))
            return refuse(
                context,
                StatusCodes.Status404NotFound,
                $"There is no {method} {path} here: this server has POST {ChatCompletions}, {Messages} and {CountTokens}, and GET /v1/models.",
                null
            );
        context.Response.Headers.Allow = "POST";
        return refuse(
            context,
            StatusCodes.Status405MethodNotAllowed,
            $"{path} does not take {method}: it takes POST.",
            null
        );
    }
}
