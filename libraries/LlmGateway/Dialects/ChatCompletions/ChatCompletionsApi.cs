namespace LlmGateway.Dialects.ChatCompletions;

/// <summary><c>POST /v1/chat/completions</c>, OpenAI's Chat Completions API. Frames have no names, and while the
/// provider is silent the stream has a comment.</summary>
internal static class ChatCompletionsApi
{
    public const string Path = "/v1/chat/completions";

    public static void MapChatCompletions(this IEndpointRouteBuilder app) =>
        app.MapPost(Path, AskAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .Body(typeof(ChatCompletionRequest))
            .AnswersAs(
                ChatCompletionsWriter.Format,
                "The frames have no names; the last is `[DONE]`. "
                    + "While the model is silent, a comment is sent every ten seconds.",
                "chat.completion.chunk error"
            );

    /// <summary>Makes the chunks of a run, or of an answer that ends with its request.</summary>
    public static AnswerWriter WriterOf(RunHead run, RequestValue body, ChatCall? call = null) =>
        new ChatCompletionsWriter(run, HasUsage(body), call);

    /// <summary>Names of requests for an application's run.</summary>
    public static RequestTable RunTable { get; } =
        RequestTable.NativeChatCompletions with
        {
            CheckRun = body => HasUsage(body),
        };

    private static async Task AskAsync(DialectRequest request)
    {
        var body = await request.ReadAsync();
        var call = ChatCall.Read(body, request.Providers, RequestTable.NativeChatCompletions, needsModel: true);
        await request.AskAsync(body, call, (answer, asked) => WriterOf(answer, body, asked));
    }

    /// <summary>Returns true if the answer has its usage: a whole answer always has, a stream on request.</summary>
    private static bool HasUsage(RequestValue body) =>
        !body.Is("stream")
        || body.Get("stream_options") is { IsObject: true } streamOptions && streamOptions.Is("include_usage");
}
