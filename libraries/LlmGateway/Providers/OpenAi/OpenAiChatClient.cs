using System.Net.Http.Headers;

namespace LlmGateway.Providers.OpenAi;

/// <summary>Client of OpenAI and of compatible servers (<c>local</c>).</summary>
internal sealed class OpenAiChatClient(Upstream upstream, bool isOpenAi)
    : VendorChatClient(upstream, upstream.Options.BaseUrl.TrimEnd('/') + "/chat/completions")
{
    protected override JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? chat) =>
        OpenAiRequest.Body(messages, chat, isOpenAi);

    protected override AnswerReader Answer(ChatOptions? chat, bool isNative) => new OpenAiAnswer(chat, isNative);

    protected override void Sign(HttpRequestHeaders headers, CallOptions? call)
    {
        if (Options.ApiKey is { Length: > 0 } key)
            headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }
}
