using LlmGateway.Requests;
using Streaming.Refusals;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary><c>POST /v1/chat/completions</c>, OpenAI's Chat Completions API.</summary>
internal static class ChatCompletionsApi
{
    public const string Path = "/v1/chat/completions";

    public static void MapChatCompletions(this IEndpointRouteBuilder app) =>
        app.MapPost(
                Path,
                (HttpContext context, VendorHandler handler) =>
                    handler.AnswerAsync(context, ChatCompletionsFormat.Instance)
            )
            .Publishes(ChatCall.Topic)
            .CountedAs(GenerationLimit.Requests)
            .RefusesAs(ChatCompletionsFormat.Instance.RefuseAsync)
            .WithTags("OpenAI")
            .Body(typeof(ChatCompletionRequest))
            .Answers(
                "https://platform.openai.com/docs/api-reference/chat",
                "The frames have no names; the last is `[DONE]`. "
                    + "While the model is silent, a comment is sent every ten seconds.",
                "chat.completion.chunk",
                "error"
            );
}
