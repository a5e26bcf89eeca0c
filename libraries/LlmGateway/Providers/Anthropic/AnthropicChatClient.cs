using System.Net.Http.Headers;

namespace LlmGateway.Providers.Anthropic;

/// <summary>Client of Anthropic's Messages API.</summary>
internal sealed class AnthropicChatClient(Upstream upstream)
    : VendorChatClient(upstream, AddressOf(upstream.Options.BaseUrl.TrimEnd('/')))
{
    protected override JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? chat) =>
        AnthropicRequest.Body(messages, chat);

    protected override AnswerReader Answer(ChatOptions? chat, bool isNative) => new AnthropicAnswer(chat, isNative);

    protected override void Sign(HttpRequestHeaders headers, CallOptions? call)
    {
        headers.Add("anthropic-version", "2023-06-01");
        if (call?.AnthropicBeta is { } beta)
            headers.TryAddWithoutValidation("anthropic-beta", beta);
        if (Options.ApiKey is { Length: > 0 } key)
            headers.TryAddWithoutValidation("x-api-key", key);
    }

    private static string AddressOf(string url) =>
        (url.EndsWith("/v1", StringComparison.Ordinal) ? url : url + "/v1") + "/messages";
}
