// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
namespace Aspire.StackExchange.Redis;

/// <summary>Stands in for Aspire.StackExchange.Redis.</summary>
public sealed class StackExchangeRedisSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    public bool DisableAutoActivation { get; set; }

    /// <summary>Accepted, without effect: this version of the client has nothing to trace with.</summary>
    public bool DisableTracing { get; set; }
}
