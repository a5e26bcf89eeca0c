using System.ComponentModel.DataAnnotations;
using LlmGateway.Providers;
using Microsoft.Extensions.Options;

namespace LlmGateway;

/// <summary>
/// Options of the LLM gateway, section <c>Llm</c>. API keys belong in user secrets or environment variables
/// (<c>Llm__Providers__OpenAi__ApiKey</c>, <c>OPENAI_API_KEY</c>, <c>ANTHROPIC_API_KEY</c>), never in the repository.
/// </summary>
internal sealed class LlmOptions
{
    /// <summary>Provider of requests that name neither a provider nor a model.</summary>
    [Required]
    public string DefaultProvider { get; set; } = "demo";

    [ValidateObjectMembers]
    public ProvidersOptions Providers { get; set; } = new();

    /// <summary>Longest request body, in bytes.</summary>
    [Range(1_000, 100_000_000)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Longest message to a session, in bytes of UTF-8. Every answer of the session reads it again.</summary>
    [Range(1_024, 1024 * 1024)]
    public int MaxMessageBytes { get; set; } = 256 * 1024;

    /// <summary>Maximum messages of a request, parts of a message, and tool calls of a message.</summary>
    [Range(1, 100_000)]
    public int MaxMessages { get; set; } = 2_048;

    /// <summary>Maximum tools of a request.</summary>
    [Range(1, 10_000)]
    public int MaxTools { get; set; } = 128;

    /// <summary>
    /// Most <c>stop_sequences</c> of a request to <c>/v1/messages</c>. OpenAI's <c>stop</c> takes four at most.
    /// </summary>
    [Range(1, 1_000)]
    public int MaxStopSequences { get; set; } = 16;

    /// <summary>Longest stop sequence, in UTF-16 code units: 256 letters, or 128 emoji.</summary>
    [Range(1, 10_000)]
    public int MaxStopCharacters { get; set; } = 256;

    /// <summary>Milliseconds that a vendor's stream waits for its provider before it sends the response head. An
    /// earlier refusal is an HTTP status, a later one an error inside the stream.</summary>
    [Range(1, 2_000)]
    public int HeadMilliseconds { get; set; } = 200;

    /// <summary>Seconds without a write after which a vendor's stream sends a heartbeat: a comment to OpenAI's clients,
    /// <c>ping</c> to Anthropic's.</summary>
    [Range(1, 14)]
    public int PingSeconds { get; set; } = 10;

    /// <summary>Seconds that one answer may wait for its reader in total, while it holds a place of its provider; then
    /// it ends.</summary>
    [Range(1, 86_400)]
    public int MaxStallSeconds { get; set; } = 300;

    /// <summary>Milliseconds between two writes of tokens to the store; tokens in between become one event.</summary>
    [Range(0, 1_000)]
    public int CoalesceMilliseconds { get; set; } = 40;

    /// <summary>Live runs from which that time grows in proportion, so that the store's load stays constant.</summary>
    [Range(1, 100_000)]
    public int CoalesceWidensFrom { get; set; } = 40;

    /// <summary>Longest time between two writes of tokens, in milliseconds.</summary>
    [Range(0, 10_000)]
    public int CoalesceMaxMilliseconds { get; set; } = 400;

    /// <summary>Bytes of text of one run that may wait for the store. Beyond them the gateway stops reading the
    /// provider.</summary>
    [Range(1_024, 64 * 1024 * 1024)]
    public int CoalesceMaxBytes { get; set; } = 256 * 1024;

    /// <summary>Maximum requests to the model for one answer of an agent; the last one offers no tools.</summary>
    [Range(1, 100)]
    public int AgentRounds { get; set; } = 8;
}

[OptionsValidator]
internal sealed partial class ValidateLlmOptions : IValidateOptions<LlmOptions>;
