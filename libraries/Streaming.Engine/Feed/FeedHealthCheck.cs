using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Streaming.Feed;

/// <summary>Reports unhealthy while this replica cannot deliver, so that new clients go elsewhere, and degraded while
/// it has no relayed events.</summary>
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
                    $"Delivery has waited {feed.StalledFor.TotalSeconds:F0} s for events that only Postgres has."
                )
            : feed.IsStoreBehind
                ? HealthCheckResult.Unhealthy(
                    "Postgres lacks events that were delivered: it was restored without eventstore.new_epoch()."
                )
            : feed.Mode == FeedMode.Degraded
                ? HealthCheckResult.Degraded("No heartbeat from the Broadcaster: events are read from Postgres.")
            : HealthCheckResult.Healthy()
        );
}
