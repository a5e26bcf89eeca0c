using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects.Messages;

/// <summary><c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's Messages API.</summary>
internal static class MessagesApi
{
    public const string Path = "/v1/messages",
        CountTokensPath = "/v1/messages/count_tokens";

    private const string Reference = "https://docs.anthropic.com/en/api/messages";

    private static MessagesFormat Format => MessagesFormat.Instance;

    public static void MapMessages(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, AskAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(Format.RefuseAsync)
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
            .RefusesAs(Format.RefuseAsync)
            .WithTags("Anthropic")
            .Body(typeof(MessageCountRequest))
            .Answers(Reference);
    }

    private static Task AskAsync(DialectRequest request) =>
        request.AskAsync(
            Format,
            body =>
                MessagesRequestReader.Read(body, request.Providers, request.Context.Request.Headers["anthropic-beta"]),
            (answer, _, call) => new MessagesWriter(answer, call)
        );

    /// <summary>
    /// Counts the tokens of a request to the demo model. Other models are refused: only their providers know the count,
    /// and clients would trust an estimate.
    /// </summary>
    private static Task CountAsync(DialectRequest request) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                var body = await request.ReadAsync();
                var call = MessagesRequestReader.Read(body, request.Providers, beta: null, needsMaxTokens: false);
                if (call.Target.Provider == "demo")
                    await VendorHandler.WriteAsync(
                        request.Context,
                        new JsonObject { ["input_tokens"] = call.InputTokens }
                    );
                else
                    await Format.RefuseAsync(
                        request.Context,
                        StatusCodes.Status404NotFound,
                        "This server counts tokens for the model demo only. "
                            + $"{call.Target.Provider} reports its count in each response, as usage.",
                        retryAfter: null
                    );
            }
        );
}
