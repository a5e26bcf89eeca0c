using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

/// <summary>
/// Fills in the vendors' usual environment variables for missing API keys, and models for empty lists.
/// </summary>
internal sealed class ProviderDefaults(IConfiguration configuration) : IPostConfigureOptions<LlmOptions>
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
    }

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
