using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

/// <summary>Address, key and limits of one provider. A keyed chat client has its own address, key and
/// retries.</summary>
internal class ProviderOptions
{
    /// <summary>Base address of its API; up to and including <c>/v1</c> if it is OpenAI-compatible.</summary>
    public string BaseUrl { get; set; } = "";

    /// <summary>Key of the account at the provider.</summary>
    public string ApiKey { get; set; } = "";

    /// <summary>Models to list, the default one first. The provider's other models can be requested too.</summary>
    public IList<string> Models { get; } = [];

    /// <summary>Lets another replica continue a generation whose replica is lost, from a continuation token of the
    /// provider, which then keeps the answer (<c>ChatOptions.AllowBackgroundResponses</c>). For the demo model and
    /// keyed clients only; the gateway's own clients of vendors have no tokens.</summary>
    public bool AllowBackgroundResponses { get; set; }

    /// <summary>Concurrent requests of this replica to the provider. A client takes another place only while more
    /// places are free than it has.</summary>
    [Range(1, 100_000)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Maximum retries of a request that fails before its first event.</summary>
    [Range(0, 20)]
    public int Retries { get; set; } = 3;

    /// <summary>Longest silence of one try before its first event, in seconds: reasoning models are silent for a minute
    /// and more. A try that was silent too long is retried once at most.</summary>
    [Range(1, 3_600)]
    public int FirstTokenSeconds { get; set; } = 180;

    /// <summary>
    /// Longest silence after the first event, in seconds; a longer silence ends the answer. The total time of an answer
    /// is unlimited.
    /// </summary>
    [Range(1, 3_600)]
    public int IdleSeconds { get; set; } = 120;

    /// <summary>Largest answer, in bytes as the provider sends it; a larger answer fails as <c>too_large</c>. The
    /// default fits 128,000 tokens in events of 500 bytes.</summary>
    /// <remarks>An answer without streaming, and the input of tools, stay in memory until the answer ends.</remarks>
    [Range(64 * 1024, 1024 * 1024 * 1024)]
    public int MaxAnswerBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Requests that should wait for the provider. If more wait, a client beyond an equal share gets 429; if
    /// twice as many wait, every client gets 503.</summary>
    /// <remarks>The default is four for each place: with answers of 15 s, the last request waits the longest permitted
    /// time, one minute.</remarks>
    internal int MaxQueue { get; set; } = 256;

    /// <summary>Longest delay before the first retry; doubled for each further retry, with jitter down to half of it.
    /// The provider's <c>Retry-After</c> takes precedence.</summary>
    internal int BackoffMilliseconds { get; set; } = 500;

    /// <summary>Most seconds until the first event, with all tries and delays, but without the time in the queue: one
    /// silent try, and a minute for refused tries.</summary>
    internal int FirstTokenTotalSeconds
    {
        get => field > 0 ? field : FirstTokenSeconds + 60;
        set;
    }
}

[OptionsValidator]
internal sealed partial class ValidateProviderOptions : IValidateOptions<ProviderOptions>;
