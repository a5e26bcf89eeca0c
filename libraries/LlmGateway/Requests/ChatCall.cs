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

    /// <summary>Reads a body with the names of Chat Completions, <c>{messages, model?, provider?, …}</c>.</summary>
    /// <param name="body">The body.</param>
    /// <param name="providers">Resolves the model.</param>
    /// <param name="table">The names, or null for those of an API that no provider has.</param>
    /// <param name="needsModel">True if the body must name a model.</param>
    /// <exception cref="InvalidChatException">A member is missing or invalid. The exception names it.</exception>
    public static ChatCall Read(
        RequestValue body,
        ChatProviders providers,
        RequestTable? table = null,
        bool needsModel = false
    )
    {
        table ??= RequestTable.ChatCompletions;
        var target = RequestReader.Target(body, providers, needsModel);
        var messages = RequestReader.Messages(body, table, calls: table.IsNative(target) ? null : []);
        return RequestReader.Call(body, target, table, messages);
    }
}
