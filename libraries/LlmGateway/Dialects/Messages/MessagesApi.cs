using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Streaming.Refusals;

namespace LlmGateway.Dialects.Messages;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's Messages API.</summary>
internal static class MessagesApi
{
    public const string Path = "/v1/messages",
        CountTokensPath = "/v1/messages/count_tokens";

    private const string Reference = "https://docs.anthropic.com/en/api/messages";

    public static void MapMessages(this IEndpointRouteBuilder app)
    {
        app.MapPost(
                Path,
                (HttpContext context, VendorHandler handler) => handler.AnswerAsync(context, MessagesFormat.Instance)
            )
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(MessagesFormat.Instance.RefuseAsync)
            .WithTags("Anthropic")
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

        app.MapPost(CountTokensPath, CountAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(RequestKind.Publish)
            .RefusesAs(MessagesFormat.Instance.RefuseAsync)
            .WithTags("Anthropic")
            .Body(typeof(MessageCountRequest))
            .Answers(Reference);
    }

    /// <summary>
    /// Counts the tokens of a request to the demo model. Other models are refused: only their providers know the count,
    /// and clients would trust an estimate.
    /// </summary>
    private static async Task CountAsync(HttpContext context, ChatProviders providers, IOptions<LlmOptions> options)
    {
        var format = MessagesFormat.Instance;
        try
        {
            var body = await ChatBody.ReadAsync(context, options.Value.MaxRequestBytes);
            var call = MessagesRequestReader.Read(body, providers, beta: null, needsMaxTokens: false);
            if (call.Target.Provider == "demo")
                await TypedResults
                    .Json(new JsonObject { ["input_tokens"] = call.InputTokens }, NodeJson.Readable.JsonObject)
                    .ExecuteAsync(context);
            else
                await format.RefuseAsync(
                    context,
                    StatusCodes.Status404NotFound,
                    "This server counts tokens for the model demo only. "
                        + $"{call.Target.Provider} reports its count in each response, as usage.",
                    retryAfter: null
                );
        }
        catch (InvalidChatException e)
        {
            await format.WriteAsync(context, VendorError.Of(e));
        }
    }
}
