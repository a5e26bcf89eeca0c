using EventStore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>
/// Unhealthy until the head is known, and while the feed waits for events that only Postgres has: new clients are
/// better off elsewhere.
/// Degraded while Redis or the Broadcaster is silent.
/// </summary>
internal sealed class FeedHealthCheck(LiveFeed feed, IOptions<EventStoreOptions> store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            !feed.Started.IsCompleted ? HealthCheckResult.Unhealthy("The log has not been read yet.")
            : feed.StalledFor >= TimeSpan.FromSeconds(store.Value.UnhealthySeconds)
                ? HealthCheckResult.Unhealthy(
                    $"For {feed.StalledFor.TotalSeconds:F0} s it lacks events that only Postgres has, and delivers nothing until it has read them."
                )
            : feed.Mode == FeedMode.Degraded
                ? HealthCheckResult.Degraded("No beat from the Broadcaster: events are read from Postgres.")
            : HealthCheckResult.Healthy()
        );
}
