using LlmGateway.Requests;
using Streaming.Access;
using Streaming.Endpoints;

namespace LlmGateway.VendorApis.Messages;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's Messages API.</summary>
internal static class MessagesApi
{
    public const string Path = "/v1/messages",
        CountTokensPath = "/v1/messages/count_tokens";

    private const string Reference = "https://docs.anthropic.com/en/api/messages";

    public static void AddMessages(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton<MessagesHandler>();

    public static void MapMessages(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, (HttpContext context, MessagesHandler handler) => handler.AnswerAsync(context))
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(AnthropicErrorFormat.Instance.RefuseAsync)
            .WithTags("Anthropic")
            .DisableHttpMetrics()
            .Body(typeof(MessageRequest))
            .Answers(
                Reference,
                "While the model is silent, a `ping` is sent every ten seconds.",
                "message_start",
                "ping",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
                "error"
            );

        app.MapPost(CountTokensPath, (HttpContext context, MessagesHandler handler) => handler.CountAsync(context))
            .Publishes(ChatCall.Topic)
            .CountedAs(RequestKind.Publish)
            .RefusesAs(AnthropicErrorFormat.Instance.RefuseAsync)
            .WithTags("Anthropic")
            .Body(typeof(MessageCountRequest))
            .Answers(Reference);
    }
}
