using System.ComponentModel.DataAnnotations;

namespace LlmGateway.Providers;

/// <summary>Options of the built-in provider.</summary>
internal sealed class DemoOptions : ProviderOptions
{
    /// <summary>Speed of an answer. 0 means as fast as the client reads.</summary>
    [Range(0, 1_000_000)]
    public double TokensPerSecond { get; set; } = 40;
}
