using LlmGateway.Generations;
using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary><c>POST /v1/chat/completions</c>, OpenAI's Chat Completions API.</summary>
internal static class ChatCompletionsApi
{
    public const string Path = "/v1/chat/completions";

    private static ChatCompletionsFormat Format => ChatCompletionsFormat.Instance;

    public static void MapChatCompletions(this IEndpointRouteBuilder app) =>
        app.MapPost(Path, AskAsync)
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(Format.RefuseAsync)
            .WithTags("OpenAI")
            .Body(typeof(ChatCompletionRequest))
            .Answers(
                "https://platform.openai.com/docs/api-reference/chat",
                "The frames have no names; the last is `[DONE]`. "
                    + "While the model is silent, a comment is sent every ten seconds.",
                "chat.completion.chunk",
                "error"
            );

    /// <summary>Makes the chunks of a run.</summary>
    public static AnswerWriter WriterOf(RunHead run, JsonElement body) =>
        new ChatCompletionsWriter(run, HasUsage(body));

    private static Task AskAsync(DialectRequest request) =>
        request.AskAsync(
            Format,
            body => ChatCompletionsRequestReader.Read(body, request.Providers),
            (answer, body, call) => new ChatCompletionsWriter(answer, HasUsage(body), call)
        );

    /// <summary>Returns true if the answer has its usage: a whole answer always has, a stream on request.</summary>
    public static bool HasUsage(JsonElement body) =>
        !ChatBody.Flag(body, "stream")
        || ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
            && ChatBody.Flag(streamOptions, "include_usage");
}
