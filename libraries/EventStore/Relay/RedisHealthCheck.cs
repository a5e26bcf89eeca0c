using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace EventStore;

internal sealed class RedisHealthCheck(RedisLink redis) : IHealthCheck
{
    /// <summary>Longest wait for Redis. It is less than the second after which a proxy takes <c>/health</c> as failed,
    /// because without Redis the server is only degraded.</summary>
    internal static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            var latency = await redis.AskAsync(database => database.PingAsync(), Timeout, cancellationToken);
            return HealthCheckResult.Healthy($"Redis answered in {latency.TotalMilliseconds:0.0} ms.");
        }
        catch (Exception e) when (e is RedisException or TimeoutException)
        {
            return new HealthCheckResult(
                context.Registration.FailureStatus,
                e is TimeoutException ? "Redis does not answer." : "Redis is unreachable.",
                e
            );
        }
    }
}
