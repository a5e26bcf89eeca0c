using LlmGateway.Providers.Anthropic;
using LlmGateway.Providers.Demo;
using LlmGateway.Providers.Keyed;
using LlmGateway.Providers.OpenAi;
using LlmGateway.Telemetry;
using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

/// <summary>The providers, configured or registered by the host; a request selects one by name or by model.</summary>
internal sealed class ChatProviders : IDisposable
{
    private readonly Dictionary<string, Entry> _providers = new(StringComparer.OrdinalIgnoreCase);
    private readonly string _default;
    private readonly HttpClient _http = new(
        new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            ConnectTimeout = TimeSpan.FromSeconds(10),
            EnableMultipleHttp2Connections = true,
            AllowAutoRedirect = false,
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    }; // a long answer is fine; UpstreamBody limits the silence between its lines

    public ChatProviders(
        IOptions<LlmOptions> options,
        KeyedProviders keyed,
        ChatMetrics metrics,
        TimeProvider clock,
        ILogger<ChatProviders> logger
    )
    {
        var all = options.Value.Providers;
        var defaults = new ProvidersOptions();
        string[] vendors = [defaults.OpenAi.BaseUrl, defaults.Anthropic.BaseUrl];
        _default = options.Value.DefaultProvider;
        AddRemote("openai", all.OpenAi, upstream => new OpenAiChatClient(upstream, isOpenAi: true));
        AddRemote("anthropic", all.Anthropic, upstream => new AnthropicChatClient(upstream));
        AddRemote("local", all.Local, upstream => new OpenAiChatClient(upstream, isOpenAi: false));
        Add("demo", all.Demo, _ => new DemoChatClient(all.Demo, clock));

        foreach (var (name, limits, client) in keyed.Create([.. _providers.Keys]))
            Add(name, limits, provider => new KeyedChatClient(client, provider));

        if (!_providers.ContainsKey(_default))
            throw Invalid(
                "DefaultProvider",
                $"is '{_default}'; it must be one of {string.Join(", ", _providers.Keys)}."
            );

        void AddRemote(string name, ProviderOptions remote, Func<Upstream, IChatClient> create)
        {
            if (remote.AllowBackgroundResponses)
                throw Invalid(
                    $"Providers:{name}:AllowBackgroundResponses",
                    "is for keyed clients: this one has no continuation tokens."
                );
            // A vendor's own address needs a key; another address may not.
            var missing =
                remote.BaseUrl.Length == 0 ? nameof(remote.BaseUrl)
                : remote.ApiKey.Length == 0 && vendors.Contains(remote.BaseUrl) ? nameof(remote.ApiKey)
                : null;
            Add(name, remote, provider => create(new Upstream(provider, _http)), missing);
        }

        void Add(string name, ProviderOptions limits, Func<ModelProvider, IChatClient> create, string? missing = null)
        {
            var provider = new ModelProvider(name, limits, clock, logger);
            var client = missing is null ? new ProviderQueue(create(provider), provider) : null;
            var measured = client is null ? null : new TelemetryChatClient(client, provider, metrics);
            _providers[name] = new Entry(provider, missing is null ? null : provider.Setting(missing), measured);
        }
    }

    /// <summary>The models of the configured providers.</summary>
    public IEnumerable<(string Model, string Provider)> Models =>
        _providers
            .Values.Where(p => p.Client is not null)
            .SelectMany(p => p.Provider.Options.Models.Select(model => (model, p.Provider.Name)));

    /// <summary>
    /// Finds the provider and the model of a request. <c>provider/model</c> names both, for clients with one field
    /// only.
    /// </summary>
    /// <exception cref="InvalidChatException">The provider or model is unknown, or not configured.</exception>
    public ChatTarget Resolve(string? provider, string? model)
    {
        if (provider is { Length: > 0 })
        {
            if (!_providers.TryGetValue(provider, out var named))
                throw new InvalidChatException(
                    "provider",
                    $"Unsupported provider: {provider}",
                    code: InvalidChatException.ProviderNotFound
                );
            return Target(named, "provider", model);
        }

        if (model is not { Length: > 0 })
            return Target(_providers[_default], "provider", null);

        foreach (var known in _providers.Values)
            if (known.Client is not null && known.Provider.Options.Models.Contains(model))
                return Target(known, "model", model);

        if (model.IndexOf('/') is > 0 and var slash && _providers.TryGetValue(model[..slash], out var prefixed))
            return Target(prefixed, "model", model[(slash + 1)..]);

        var guess = Family(model);
        if (guess is not null)
            return Target(_providers[guess], "model", model);

        // A local server without a list of models gets any model.
        return _providers["local"] is { Client: not null, Provider.Options.Models.Count: 0 } local
            ? Target(local, "model", model)
            : throw new InvalidChatException(
                "model",
                $"Unsupported model: {model}. GET /v1/models lists the models of this server.",
                code: InvalidChatException.ModelNotFound
            );
    }

    private static ChatTarget Target(Entry entry, string field, string? model)
    {
        var ((name, options, _, _), missing, client) = entry;
        if (client is null)
            throw new InvalidChatException(
                field,
                $"The provider {name} is not configured: set {missing}, or use the model demo.",
                code: InvalidChatException.ProviderNotConfigured
            );

        var setting = entry.Provider.Setting(nameof(options.Models));
        var chosen = model is { Length: > 0 }
            ? model
            : options.Models.FirstOrDefault()
                ?? throw new InvalidChatException("model", $"is required for {name}, since {setting} is empty.");
        return new ChatTarget(client, name, chosen, options.AllowBackgroundResponses);
    }

    private static string? Family(string model) =>
        model.StartsWith("claude", StringComparison.OrdinalIgnoreCase) ? "anthropic"
        : model.StartsWith("gpt-", StringComparison.OrdinalIgnoreCase)
        || model.StartsWith("chatgpt", StringComparison.OrdinalIgnoreCase)
        || model is ['o', >= '1' and <= '9', ..]
            ? "openai"
        : model.StartsWith("demo", StringComparison.OrdinalIgnoreCase) ? "demo"
        : null;

    private static OptionsValidationException Invalid(string name, string problem) =>
        new(name, typeof(LlmOptions), [$"{LlmOptions.Section}:{name} {problem}"]);

    public void Dispose() => _http.Dispose();

    /// <param name="Provider">The provider.</param>
    /// <param name="Missing">The setting that it lacks.</param>
    /// <param name="Client">Null if a setting is missing.</param>
    private sealed record Entry(ModelProvider Provider, string? Missing, IChatClient? Client);
}

/// <summary>A model and the provider that serves it.</summary>
/// <param name="MayContinue">True if the provider may send continuation tokens.</param>
internal sealed record ChatTarget(IChatClient Client, string Provider, string Model, bool MayContinue = false)
{
    /// <summary>Asks the model. The provider does not get the reasoning of others.</summary>
    public IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IEnumerable<ChatMessage> messages,
        CallOptions options,
        CancellationToken cancellationToken
    ) => Client.GetStreamingResponseAsync(OwnReasoning.For(Provider, messages), options, cancellationToken);
}
