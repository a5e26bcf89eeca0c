// Stands in for Aspire.StackExchange.Redis. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.Diagnostics.HealthChecks;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>Pings Redis. Answers within two seconds even when Redis
/// is frozen: awaited calls have no timeout in 1.2.6.</summary>
internal sealed class RedisHealthCheck(Func<IConnectionMultiplexer> open) : IHealthCheck
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        try
        {
            // On another thread, because the first use of the connection blocks while it opens.
            var latency = await Task.Run(() => open().GetDatabase().PingAsync(), cancellationToken)
                .WaitAsync(Timeout, cancellationToken);
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
