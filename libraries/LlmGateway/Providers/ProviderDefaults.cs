using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

/// <summary>
/// Fills in the vendors' usual environment variables for missing API keys, models for empty lists, and the share of one
/// client. Reads the options of a keyed provider, <c>Llm:Providers:&lt;key&gt;</c>.
/// </summary>
internal sealed class ProviderDefaults(IConfiguration configuration, IHostEnvironment environment)
    : IPostConfigureOptions<LlmOptions>,
        IConfigureNamedOptions<ProviderOptions>
{
    private static readonly string[] OpenAiModels = ["gpt-4o", "gpt-4o-mini"];
    private static readonly string[] AnthropicModels = ["claude-sonnet-4-20250514", "claude-3-5-haiku-20241022"];

    public void PostConfigure(string? name, LlmOptions options)
    {
        var providers = options.Providers;
        FillKey(providers.OpenAi, "OPENAI_API_KEY");
        FillKey(providers.Anthropic, "ANTHROPIC_API_KEY");
        FillModels(providers.OpenAi, OpenAiModels);
        FillModels(providers.Anthropic, AnthropicModels);
        FillModels(providers.Demo, ["demo"]);
        foreach (
            var provider in (ProviderOptions[])[providers.OpenAi, providers.Anthropic, providers.Local, providers.Demo]
        )
            FillShare(provider);
    }

    public void Configure(ProviderOptions options) => Configure(Options.DefaultName, options);

    public void Configure(string? name, ProviderOptions options)
    {
        configuration.GetSection($"Llm:Providers:{name}").Bind(options);
        FillShare(options);
    }

    // In Development load tests are one client.
    private void FillShare(ProviderOptions provider) =>
        provider.ClientPercent ??= environment.IsDevelopment() ? 100 : 25;

    private void FillKey(ProviderOptions provider, string variable)
    {
        if (provider.ApiKey.Length == 0)
            provider.ApiKey = configuration[variable] ?? "";
    }

    private static void FillModels(ProviderOptions provider, ReadOnlySpan<string> models)
    {
        if (provider.Models.Count > 0)
            return;
        foreach (var model in models)
            provider.Models.Add(model);
    }
}
