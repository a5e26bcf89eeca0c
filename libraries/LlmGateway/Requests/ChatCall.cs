using LlmGateway.Providers;
using LlmGateway.Providers.Demo;

namespace LlmGateway.Requests;

/// <summary>A request for one answer: the model, the messages, the options.</summary>
internal sealed record ChatCall(ChatTarget Target, IList<ChatMessage> Messages, CallOptions Options)
{
    /// <summary>Topic that a caller needs the right to publish to for an answer that is not stored.</summary>
    public const string Topic = "chat";

    /// <summary>Longest time in total that one answer may wait for its reader, since it holds a place of its provider
    /// meanwhile. Then the answer ends.</summary>
    public static readonly TimeSpan MaxStall = TimeSpan.FromMinutes(5);

    private long? _inputTokens;

    /// <summary>Estimated tokens of the messages, counted once. The count is exact for the demo model only.</summary>
    public long InputTokens => _inputTokens ??= DemoText.Count(Messages.Select(m => m.Text));

    /// <summary>True if the client uses the provider's own API: the answer is passed on as it is.</summary>
    public bool IsNative => Options.NativeBody is not null;

    /// <summary>Estimated memory of the messages, in UTF-16.</summary>
    public long Bytes { get; init; }

    /// <summary>Assigns the call to the client whose share of the provider it uses.</summary>
    public ChatCall From(ClientKey client)
    {
        Options.Client = client;
        return this;
    }

    public IAsyncEnumerable<ChatResponseUpdate> StreamAsync(CancellationToken cancellationToken) =>
        Target.StreamAsync(Messages, Options, cancellationToken);

    /// <summary>
    /// Reads <c>{messages, model?, provider?, …}</c>, the body of <c>/sse/chat</c> and <c>/v1/generations</c>.
    /// </summary>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(JsonElement body, ChatProviders providers, bool ignoresUnknown = false)
    {
        var request = new RequestValue(body);
        var table = RequestTable.ChatCompletions with { IgnoresUnknown = ignoresUnknown };
        var target = RequestReader.Target(request, providers, needsModel: false);
        var messages = RequestReader.Messages(request, table, target);
        var options = OptionsReader.Read(request, target, table);
        return RequestReader.Call(target, table, messages, options, ChatBody.MemoryOf(body));
    }
}
