using LlmGateway.Requests;
using Streaming.Access;
using Streaming.Endpoints;

namespace LlmGateway.VendorApis.Messages;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's Messages API.</summary>
internal static class MessagesApi
{
    public const string Path = "/v1/messages",
        CountTokensPath = "/v1/messages/count_tokens";

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
                typeof(MessageAnswer),
                typeof(MessageError),
                "While the model is silent, a `ping` is sent every ten seconds.",
                ("message_start", typeof(MessageStart)),
                ("ping", typeof(MessagePing)),
                ("content_block_start", typeof(MessageBlockStart)),
                ("content_block_delta", typeof(MessageBlockDelta)),
                ("content_block_stop", typeof(MessageBlockStop)),
                ("message_delta", typeof(MessageDelta)),
                ("message_stop", typeof(MessageStop)),
                ("error", typeof(MessageError))
            );

        app.MapPost(CountTokensPath, (HttpContext context, MessagesHandler handler) => handler.CountAsync(context))
            .Publishes(ChatCall.Topic)
            .CountedAs(RequestKind.Publish)
            .RefusesAs(AnthropicErrorFormat.Instance.RefuseAsync)
            .WithTags("Anthropic")
            .Body(typeof(MessageCountRequest))
            .Answers(typeof(MessageCount), typeof(MessageError));
    }
}
