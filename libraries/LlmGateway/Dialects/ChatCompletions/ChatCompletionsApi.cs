using System.Text.Json;
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
            .DisableHttpMetrics()
            .Body(typeof(ChatCompletionRequest))
            .Answers(
                "https://platform.openai.com/docs/api-reference/chat",
                "The frames have no names; the last is `[DONE]`. "
                    + "While the model is silent, a comment is sent every ten seconds.",
                "chat.completion.chunk",
                "error"
            );

    private static Task AskAsync([AsParameters] DialectRequest request) =>
        request.AnswerAsync(
            Format,
            async () =>
            {
                var body = await request.ReadAsync();
                var call = ChatCompletionsRequestReader.Read(body, request.Providers);
                await request.Handler.AskAsync(
                    request.Context,
                    Format,
                    call,
                    answer => new ChatCompletionsWriter(answer, HasUsage(body), call),
                    isStreamed: ChatBody.Flag(body, "stream")
                );
            }
        );

    /// <summary>Sends the answer of a run, whose model is the one that the request names until the run names
    /// its own.</summary>
    public static Task SendAsync(HttpContext context, VendorHandler handler, RunHead run, JsonElement body)
    {
        var named = run with { Model = run.Model ?? ChatBody.Name(body, "model") };
        return handler.SendAsync(context, Format, run, new ChatCompletionsWriter(named, HasUsage(body)), body);
    }

    /// <summary>Returns true if the answer has its usage: a whole answer always has, a stream on request.</summary>
    private static bool HasUsage(JsonElement body) =>
        !ChatBody.Flag(body, "stream")
        || ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
            && ChatBody.Flag(streamOptions, "include_usage");
}
