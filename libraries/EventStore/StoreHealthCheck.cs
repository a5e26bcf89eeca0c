using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EventStore;

/// <summary>
/// Degraded while Postgres does not answer, unhealthy after <see cref="EventStoreOptions.UnhealthySeconds"/>. Open
/// streams go on, but new clients can neither resume nor publish here, and perhaps can on another server.
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
                    $"Postgres has not answered for {away.TotalSeconds:F0} s: publishing and replay wait for it. "
                        + "Open streams get what Redis brings."
                )
            : HealthCheckResult.Degraded("Postgres does not answer: publishing and replay wait for it.")
        );
}
