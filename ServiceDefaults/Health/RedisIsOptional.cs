using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ServiceDefaults.Health;

/// <summary>Redis is an accelerator, not a dependency: without it everything goes on, from Postgres.</summary>
internal static class RedisIsOptional
{
    public static void Configure(HealthCheckServiceOptions options)
    {
        foreach (
            var check in options.Registrations.Where(r =>
                r.Name.StartsWith("StackExchange.Redis", StringComparison.Ordinal)
            )
        )
        {
            check.FailureStatus = HealthStatus.Degraded;
            check.Timeout = TimeSpan.FromSeconds(3);
        }
    }
}
