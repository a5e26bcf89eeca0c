using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace LlmGateway;

/// <summary>
/// Options of the LLM gateway, section <c>AspireSse:Llm</c>. API keys belong in user secrets or environment variables
/// (<c>AspireSse__Llm__Providers__OpenAi__ApiKey</c>, <c>OPENAI_API_KEY</c>, <c>ANTHROPIC_API_KEY</c>), never in the
/// repository.
/// </summary>
internal sealed class LlmOptions
{
    public const string Section = "AspireSse:Llm";

    /// <summary>Longest time between two writes of tokens, also with many live runs.</summary>
    public const int MaxCoalesceMilliseconds = 400;

    /// <summary>Provider of requests that name neither a provider nor a model.</summary>
    [Required]
    public string DefaultProvider { get; set; } = "demo";

    [ValidateObjectMembers]
    public ProvidersOptions Providers { get; set; } = new();

    /// <summary>Longest request body, in bytes.</summary>
    [Range(1_000, 100_000_000)]
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Milliseconds between two writes of tokens to the store; tokens in between become one event. More than
    /// 40 live runs on a replica make the time longer.</summary>
    [Range(0, MaxCoalesceMilliseconds)]
    public int CoalesceMilliseconds { get; set; } = 40;

    /// <summary>Requests of one caller per minute that start model work, as StreamApi counts them. An application whose
    /// rate limiter does not read <see cref="RequestKind"/> limits its callers itself, and this option has no
    /// effect.</summary>
    [Range(1, RequestKind.Unlimited)]
    public int? GenerationsPerMinute { get; set; }

    /// <summary>Sets the unset limit to the default of the environment.</summary>
    public void Complete(bool development) => GenerationsPerMinute ??= development ? RequestKind.Unlimited : 20;

    /// <summary>Longest message to a session, in bytes of UTF-8. Every later answer of the session reads the message
    /// again.</summary>
    internal int MaxMessageBytes { get; set; } = 256 * 1024;

    /// <summary>Milliseconds that a vendor's stream waits for its provider before it sends the response headers. An
    /// earlier refusal becomes an HTTP status, a later refusal an error inside the stream.</summary>
    /// <remarks>The headers are due within 250 ms; the difference is the time to send them.</remarks>
    internal int HeadMilliseconds { get; set; } = 200;

    /// <summary>Seconds without a write after which a vendor's stream sends a heartbeat: a comment to OpenAI's clients,
    /// <c>ping</c> to Anthropic's.</summary>
    /// <remarks>Heartbeats are due every 15 s; the difference allows for a late timer.</remarks>
    internal int PingSeconds { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class ValidateLlmOptions : IValidateOptions<LlmOptions>;
