using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace LlmGateway;

/// <summary>
/// The model providers; section <c>Llm</c>. Keys come from user secrets or the environment
/// (<c>Llm__Providers__openai__ApiKey</c>, or the
/// vendors' own <c>OPENAI_API_KEY</c> and <c>ANTHROPIC_API_KEY</c>), never from a file in the repository.
/// </summary>
internal sealed class LlmOptions
{
    /// <summary>Who answers where a request names neither provider nor model.</summary>
    [Required]
    public string DefaultProvider { get; set; } = "demo";

    [ValidateObjectMembers]
    public ProvidersOptions Providers { get; set; } = new();

    /// <summary>Most bytes of one request's body.</summary>
    [Range(1_000, 100_000_000)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Most bytes of one message to an agent's session: it is stored, and read again with each answer.
    /// </summary>
    [Range(1_024, 1024 * 1024)]
    public int MaxMessageBytes { get; set; } = 256 * 1024;

    /// <summary>Most messages of one request, most parts of a message, most tool calls of one.</summary>
    [Range(1, 100_000)]
    public int MaxMessages { get; set; } = 2_048;

    /// <summary>Most tools of one request.</summary>
    [Range(1, 10_000)]
    public int MaxTools { get; set; } = 128;

    /// <summary>
    /// Most <c>stop_sequences</c> of a request to <c>/v1/messages</c>. OpenAI's <c>stop</c> has at most four by its own
    /// API.
    /// </summary>
    [Range(1, 1_000)]
    public int MaxStopSequences { get; set; } = 16;

    /// <summary>Most characters of a stop sequence.</summary>
    [Range(1, 10_000)]
    public int MaxStopCharacters { get; set; } = 256;

    /// <summary>
    /// Milliseconds that the vendors' streams wait for their provider's first word before the response's head is sent.
    /// A provider that refuses within them is answered by a true status, one that does so later by an error inside the
    /// stream.
    /// </summary>
    [Range(1, 2_000)]
    public int HeadMilliseconds { get; set; } = 250;

    /// <summary>
    /// Seconds without a write after which a vendor's stream says that it lives (OpenAI: a comment; Anthropic:
    /// <c>ping</c>). A second may come on top.
    /// </summary>
    [Range(1, 14)]
    public int PingSeconds { get; set; } = 10;

    /// <summary>Tokens that arrive within so many milliseconds are stored as one event.</summary>
    [Range(0, 1_000)]
    public int CoalesceMilliseconds { get; set; } = 40;

    /// <summary>Generations at once from which on the time above grows in proportion, so that the store's load does
    /// not.</summary>
    [Range(1, 100_000)]
    public int CoalesceWidensFrom { get; set; } = 40;

    /// <summary>The most that it grows to.</summary>
    [Range(0, 10_000)]
    public int CoalesceMaxMilliseconds { get; set; } = 400;

    /// <summary>Bytes of text that may wait for the store until the provider is no longer read.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int CoalesceMaxBytes { get; set; } = 256 * 1024;

    /// <summary>Rounds of tool calls that an agent may take for one answer.</summary>
    [Range(1, 100)]
    public int AgentRounds { get; set; } = 8;
}

/// <summary>One section each.</summary>
internal sealed class ProvidersOptions
{
    [ValidateObjectMembers]
    public ProviderOptions OpenAi { get; set; } = new() { BaseUrl = "https://api.openai.com/v1" };

    [ValidateObjectMembers]
    public ProviderOptions Anthropic { get; set; } = new() { BaseUrl = "https://api.anthropic.com" };

    [ValidateObjectMembers]
    public ProviderOptions Local { get; set; } = new();

    [ValidateObjectMembers]
    public DemoOptions Demo { get; set; } = new() { MaxConcurrent = 10_000 };
}

/// <summary>How one provider is reached, and how much is asked of it.</summary>
internal class ProviderOptions
{
    /// <summary>Where its API begins; for OpenAI-compatible ones up to and with <c>/v1</c>.</summary>
    public string BaseUrl { get; set; } = "";

    public string ApiKey { get; set; } = "";

    /// <summary>Models to list; the first is its default. Others of the provider work too.</summary>
    public IList<string> Models { get; } = [];

    /// <summary>Requests to the provider at once.</summary>
    [Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Requests that may wait for a place; the next gets 429.</summary>
    [Range(0, 100_000)]
    public int MaxQueue { get; set; } = 256;

    /// <summary>The longest that one waits for a place, in seconds.</summary>
    [Range(1, 3_600)]
    public int QueueSeconds { get; set; } = 60;

    /// <summary>Tries after the first, where the provider is overloaded or fails before its first token.</summary>
    [Range(0, 20)]
    public int Retries { get; set; } = 3;

    /// <summary>The wait before the first of them; doubled each time, with jitter. The provider's <c>Retry-After</c>
    /// wins.</summary>
    [Range(1, 60_000)]
    public int BackoffMilliseconds { get; set; } = 500;

    /// <summary>A longer <c>Retry-After</c> is passed on instead of waited for, in seconds.</summary>
    [Range(0, 3_600)]
    public int MaxRetryAfterSeconds { get; set; } = 30;

    /// <summary>
    /// Seconds until the first token of one try. A provider that takes the request and says nothing for so long is
    /// asked once more, no oftener. Models that reason are silent for a minute and more.
    /// </summary>
    [Range(1, 3_600)]
    public int FirstTokenSeconds { get; set; } = 180;

    /// <summary>Seconds until the first token over all tries and the waits between them; a place in the queue comes
    /// before.</summary>
    [Range(1, 7_200)]
    public int FirstTokenTotalSeconds { get; set; } = 240;

    /// <summary>
    /// Seconds without a line from the provider after which it counts as stalled; some reason between two lines. There
    /// is no limit to the whole.
    /// </summary>
    [Range(1, 3_600)]
    public int IdleSeconds { get; set; } = 120;
}

/// <summary>The built-in provider.</summary>
internal sealed class DemoOptions : ProviderOptions
{
    /// <summary>Its speed; 0: as fast as it is read.</summary>
    [Range(0, 1_000_000)]
    public double TokensPerSecond { get; set; } = 40;
}

/// <summary>The vendors' own names for their settings, where ours say nothing.</summary>
internal sealed class VendorNames(IConfiguration configuration) : IPostConfigureOptions<LlmOptions>
{
    public void PostConfigure(string? name, LlmOptions options)
    {
        var (openAi, anthropic) = (options.Providers.OpenAi, options.Providers.Anthropic);
        if (openAi.ApiKey.Length == 0)
            openAi.ApiKey = configuration["OPENAI_API_KEY"] ?? "";
        if (anthropic.ApiKey.Length == 0)
            anthropic.ApiKey = configuration["ANTHROPIC_API_KEY"] ?? "";
        if (openAi.Models.Count == 0)
            foreach (var model in (string[])["gpt-4o", "gpt-4o-mini"])
                openAi.Models.Add(model);
        if (anthropic.Models.Count == 0)
            foreach (var model in (string[])["claude-sonnet-4-20250514", "claude-3-5-haiku-20241022"])
                anthropic.Models.Add(model);
        if (options.Providers.Demo.Models.Count == 0)
            options.Providers.Demo.Models.Add("demo");
    }
}

[OptionsValidator]
internal sealed partial class ValidateLlmOptions : IValidateOptions<LlmOptions>;

/// <summary>What two options say together.</summary>
internal sealed class ValidateFirstToken : IValidateOptions<LlmOptions>
{
    public ValidateOptionsResult Validate(string? name, LlmOptions options)
    {
        var all = options.Providers;
        foreach (
            var (provider, of) in (ReadOnlySpan<(string, ProviderOptions)>)
                [("OpenAi", all.OpenAi), ("Anthropic", all.Anthropic), ("Local", all.Local)]
        )
            if (of.FirstTokenTotalSeconds < of.FirstTokenSeconds)
                return ValidateOptionsResult.Fail(
                    $"Llm:Providers:{provider}:FirstTokenTotalSeconds is {of.FirstTokenTotalSeconds}; it must be at least FirstTokenSeconds, {of.FirstTokenSeconds}."
                );
        return ValidateOptionsResult.Success;
    }
}
