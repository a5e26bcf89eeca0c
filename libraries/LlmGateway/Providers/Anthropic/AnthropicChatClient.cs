using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Client of Anthropic's Messages API. It replaces the vendor's package for the reasons of
/// <see cref="OpenAi.OpenAiChatClient"/>.
/// </summary>
internal sealed class AnthropicChatClient(Upstream upstream, ProviderOptions options) : StreamedChatClient
{
    private readonly Uri _address = new(
        (options.BaseUrl.TrimEnd('/') is var url && url.EndsWith("/v1", StringComparison.Ordinal) ? url : url + "/v1")
            + "/messages"
    );

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var body = Encoding.UTF8.GetBytes(AnthropicRequest.Body(messages, chat).ToJsonString());
        var call = chat as CallOptions;
        var answer = new AnswerDeltas(chat);
        var events = new AnthropicAnswer(answer, isNative: call?.NativeBody is not null);

        await foreach (
            var one in upstream.ReadAsync(
                () => Request(body, call?.AnthropicBeta),
                call?.OnDelay,
                cancellationToken: cancellationToken
            )
        )
        {
            foreach (var update in events.Take(one))
                yield return update;
            if (answer.IsEnded)
                break;
        }

        yield return answer.End();
    }

    private HttpRequestMessage Request(byte[] body, string? beta)
    {
        var request = Upstream.Post(_address, body);
        request.Headers.Add("anthropic-version", "2023-06-01");

        if (beta is not null)
            request.Headers.TryAddWithoutValidation("anthropic-beta", beta);
        if (options.ApiKey.Length > 0)
            request.Headers.TryAddWithoutValidation("x-api-key", options.ApiKey);

        return request;
    }
}
