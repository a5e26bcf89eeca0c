using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;

namespace LlmGateway.Providers;

/// <summary>
/// Client of a vendor's API. It replaces the vendor's package, which fails at the first malformed line and retries by
/// itself.
/// </summary>
/// <param name="upstream">Sends the requests.</param>
/// <param name="address">Address of the requests.</param>
internal abstract class VendorChatClient(Upstream upstream, string address) : StreamedChatClient
{
    private readonly Uri _address = new(address);

    protected ProviderOptions Options => upstream.Options;

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var body = Encoding.UTF8.GetBytes(Body(messages, chat).ToJsonString());
        var call = chat as CallOptions;
        var answer = Answer(chat, isNative: call?.NativeBody is not null);

        await foreach (var data in upstream.ReadAsync(Request, call?.OnDelay, cancellationToken))
        foreach (var update in answer.Read(data))
            yield return update;

        yield return answer.End();

        HttpRequestMessage Request()
        {
            var request = Upstream.Post(_address, body);
            Sign(request.Headers, call);
            return request;
        }
    }

    protected abstract JsonObject Body(IEnumerable<ChatMessage> messages, ChatOptions? chat);

    /// <summary>Creates the reader of one answer.</summary>
    protected abstract AnswerReader Answer(ChatOptions? chat, bool isNative);

    /// <summary>Adds the key, and the other headers that the vendor requires.</summary>
    protected abstract void Sign(HttpRequestHeaders headers, CallOptions? call);
}
