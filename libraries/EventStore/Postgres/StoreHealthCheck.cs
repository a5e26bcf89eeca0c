using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace EventStore;

/// <summary>Reports degraded while Postgres does not answer, commits wait for a synchronous standby, or nobody moves
/// the outbox. Reports unhealthy after <see cref="EventStoreOptions.UnhealthySeconds"/> without an answer, or for an
/// error that waiting does not mend. Open streams continue; new clients need another server.</summary>
internal sealed class StoreHealthCheck(StoreContact contact) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(
        HealthCheckContext context,
        CancellationToken cancellationToken = default
    )
    {
        var data = new Dictionary<string, object>();
        if (contact.Durability is { } durability)
            data["durability"] = durability.ToString();

        var problem = contact.ReadOnly switch
        {
            ReadOnlyReason.Standby => "is a standby (read-only), or all of its hosts are",
            ReadOnlyReason.Setting =>
                "is read-only (default_transaction_read_only of the role, the database or the server)",
            _ => "does not answer",
        };
        return Task.FromResult(
            contact.Mistake is { } mistake ? HealthCheckResult.Unhealthy(mistake, data: data)
            : contact.AwayFor is not { } away
                ? contact.Durability is { IsWaiting: true }
                        ? HealthCheckResult.Degraded(
                            "Publishing waits: no synchronous standby of Postgres is connected.",
                            data: data
                        )
                    : contact.Unmoved is { } unmoved ? HealthCheckResult.Degraded(unmoved.Reason, data: data)
                    : HealthCheckResult.Healthy(data: data)
            : contact.IsLost
                ? HealthCheckResult.Unhealthy(
                    $"Postgres {problem}, for {away.TotalSeconds:F0} s: publishing and replay wait for it. "
                        + "Open streams continue with the events that come through Redis.",
                    data: data
                )
            : HealthCheckResult.Degraded($"Postgres {problem}: publishing and replay wait for it.", data: data)
        );
    }
}
