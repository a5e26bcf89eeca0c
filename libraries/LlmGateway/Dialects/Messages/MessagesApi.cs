namespace LlmGateway.Dialects.Messages;

/// <summary>
/// <c>POST /v1/messages</c> and <c>/v1/messages/count_tokens</c>, Anthropic's Messages API. A frame has its type as its
/// name, and while the provider is silent the stream has <c>ping</c>.
/// </summary>
internal static class MessagesApi
{
    public const string Path = "/v1/messages",
        CountTokensPath = "/v1/messages/count_tokens";

    private static VendorFormat Format => MessagesWriter.Format;

    public static void MapMessages(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, AskAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .Body(typeof(MessageRequest))
            .AnswersAs(
                Format,
                "While the model is silent, a `ping` is sent every ten seconds.",
                "message_start ping content_block_start content_block_delta content_block_stop message_delta "
                    + "message_stop error"
            );

        app.MapPost(CountTokensPath, CountAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(RequestKind.Publish)
            .Body(typeof(MessageCountRequest))
            .AnswersAs(Format);
    }

    private static async Task AskAsync(DialectRequest request)
    {
        var body = await request.ReadAsync();
        var beta = request.Context.Request.Headers["anthropic-beta"];
        var call = MessagesRequestReader.Read(body, request.Providers, beta);
        await request.AskAsync(body, call, (answer, asked) => new MessagesWriter(answer, asked));
    }

    /// <summary>
    /// Counts the tokens of a request to the demo model. Other models are refused: only their providers know the count,
    /// and clients would trust an estimate.
    /// </summary>
    private static async Task CountAsync(DialectRequest request)
    {
        var body = await request.ReadAsync();
        var call = MessagesRequestReader.Read(body, request.Providers, beta: null, needsMaxTokens: false);
        if (call.Target.Provider != "demo")
            throw new VendorException(
                StatusCodes.Status404NotFound,
                "This server counts tokens for the model demo only. "
                    + $"{call.Target.Provider} reports its count in each response, as usage."
            );

        await VendorHandler.WriteAsync(request.Context, new JsonObject { ["input_tokens"] = call.InputTokens });
    }
}
