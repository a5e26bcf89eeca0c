using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace EventStore;

internal sealed class StoreHealthCheck([FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var command = store.CreateCommand("select 1");
            await command.ExecuteScalarAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            // Streams that are level go on without the store, so the replica stays in rotation: degraded, not unhealthy.
            return HealthCheckResult.Degraded("Postgres does not answer: publishing and replay wait for it.", e);
        }
    }
}
