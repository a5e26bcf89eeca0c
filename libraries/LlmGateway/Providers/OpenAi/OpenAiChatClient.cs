using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers.OpenAi;

/// <summary>
/// Client of OpenAI and of compatible servers (<c>local</c>). It replaces the vendor's package, which fails at the
/// first malformed line and retries by itself.
/// </summary>
internal sealed class OpenAiChatClient(Upstream upstream, ProviderOptions options, bool isOpenAi) : StreamedChatClient
{
    private readonly Uri _address = new(options.BaseUrl.TrimEnd('/') + "/chat/completions");

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var body = Encoding.UTF8.GetBytes(OpenAiRequest.Body(messages, chat, isOpenAi).ToJsonString());
        var call = chat as CallOptions;
        var answer = new AnswerDeltas(chat);
        var chunks = new OpenAiChunks(answer, isNative: call?.NativeBody is not null);
        await foreach (
            var chunk in upstream.ReadAsync(
                () => Request(body),
                call?.OnDelay,
                () => answer.IsEnded = true,
                cancellationToken
            )
        )
            if (chunks.Read(chunk) is { } update)
                yield return update;

        yield return answer.End();
    }

    private HttpRequestMessage Request(byte[] body)
    {
        var request = Upstream.Post(_address, body);
        if (options.ApiKey.Length > 0)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
        return request;
    }
}
