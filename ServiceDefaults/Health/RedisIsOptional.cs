using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ServiceDefaults.Health;

/// <summary>Lowers a failing Redis check to Degraded: the services continue from Postgres without Redis.</summary>
internal static class RedisIsOptional
{
    public static void Configure(HealthCheckServiceOptions options)
    {
        foreach (var check in options.Registrations.Where(r => r.Name == "sse-redis"))
        {
            check.FailureStatus = HealthStatus.Degraded;
            check.Timeout = TimeSpan.FromSeconds(3);
        }
    }
}
