using System.ComponentModel.DataAnnotations;

namespace LlmGateway.Providers;

/// <summary>Options of the built-in provider.</summary>
internal sealed class DemoOptions : ProviderOptions
{
    /// <summary>Speed of an answer; 0: as fast as it is read.</summary>
    [Range(0, 1_000_000)]
    public double TokensPerSecond { get; set; } = 40;
}
