using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace StreamApi.Streaming.Feed;

/// <summary>Unhealthy until the head is known: until then no stream can start. Degraded while Redis or the Broadcaster is silent.</summary>
internal sealed class FeedHealthCheck(LiveFeed feed) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !feed.Started.IsCompleted ? HealthCheckResult.Unhealthy("The log has not been read yet.")
        : feed.Mode == FeedMode.Degraded ? HealthCheckResult.Degraded("No beat from the Broadcaster: events are read from Postgres.")
        : HealthCheckResult.Healthy());
}
