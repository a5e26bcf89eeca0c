// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
namespace Aspire.StackExchange.Redis;

/// <summary>Stands in for Aspire.StackExchange.Redis.</summary>
public sealed class StackExchangeRedisSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    /// <summary>True, as in Aspire 13: the connection is opened by whoever asks for it first, and blocks it
    /// meanwhile.</summary>
    public bool DisableAutoActivation { get; set; } = true;

    /// <summary>Accepted, without effect: this version of the client has nothing to trace with.</summary>
    public bool DisableTracing { get; set; }
}
