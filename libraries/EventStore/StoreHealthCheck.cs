using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EventStore;

/// <summary>
/// Degraded while Postgres does not answer, unhealthy once it has not for <see
/// cref="EventStoreOptions.UnhealthySeconds"/>: streams that
/// are open go on, but whoever comes now could neither resume nor publish here, and perhaps can elsewhere.
/// </summary>
internal sealed class StoreHealthCheck(StoreContact contact) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    ) =>
        Task.FromResult(
            contact.AwayFor is not { } away ? HealthCheckResult.Healthy()
            : contact.IsLost
                ? HealthCheckResult.Unhealthy(
                    $"Postgres has not answered for {away.TotalSeconds:F0} s: publishing and replay wait for it. Open streams get what Redis brings."
                )
            : HealthCheckResult.Degraded("Postgres does not answer: publishing and replay wait for it.")
        );
}
