using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

/// <summary>The model providers, section <c>AspireSse:Llm:Providers</c>.</summary>
internal sealed class ProvidersOptions
{
    [ValidateObjectMembers]
    public ProviderOptions OpenAi { get; set; } = new() { BaseUrl = "https://api.openai.com/v1" };

    [ValidateObjectMembers]
    public ProviderOptions Anthropic { get; set; } = new() { BaseUrl = "https://api.anthropic.com" };

    [ValidateObjectMembers]
    public ProviderOptions Local { get; set; } = new();

    [ValidateObjectMembers]
    public DemoOptions Demo { get; set; } = new() { MaxConcurrent = 10_000, AllowBackgroundResponses = true };

    /// <summary>Returns the maximum of concurrent connections to providers; the demo model needs none.</summary>
    public int MaxConnections() => OpenAi.MaxConcurrent + Anthropic.MaxConcurrent + Local.MaxConcurrent;
}
