// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
namespace Aspire.StackExchange.Redis;

public sealed class StackExchangeRedisSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableHealthChecks { get; set; }

    /// <summary>True by default, as in Aspire 13: the first use opens the connection and blocks until then.</summary>
    public bool DisableAutoActivation { get; set; } = true;

    /// <summary>Accepted without effect: this version of the client has no tracing.</summary>
    public bool DisableTracing { get; set; }
}
