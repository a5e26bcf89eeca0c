// Part of the stand-in for Aspire.Hosting: runs the health checks
// of every running replica. Not affiliated with Microsoft.
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Orchestration;

internal sealed class HealthMonitor(
    ResourceNotificationService notifications,
    HealthCheckService checks,
    IHttpClientFactory clients,
    TimeProvider time
)
{
    private static readonly TimeSpan UntilHealthy = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan OnceHealthy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    public async Task RunAsync(Instance instance, CancellationToken cancellationToken)
    {
        var annotations = instance.Resource.Annotations.OfType<HealthCheckAnnotation>().ToArray();
        if (annotations.Length == 0)
            return;
        while (true)
        {
            await notifications.WaitForResourceAsync(
                instance.Id,
                e => e.Snapshot.State?.Text == KnownResourceStates.Running,
                cancellationToken
            );
            var reports = await Task.WhenAll(annotations.Select(a => CheckAsync(instance, a, cancellationToken)));
            // Published only when something changed: the dashboard redraws the whole row for every update.
            if (
                notifications.TryGetCurrentState(instance.Id, out var current)
                && !reports.Select(Essence).SequenceEqual(current!.Snapshot.HealthReports.Select(Essence))
            )
                await notifications.PublishUpdateAsync(
                    instance.Resource,
                    instance.Id,
                    s => s.State?.Text == KnownResourceStates.Running ? s with { HealthReports = [.. reports] } : s
                );
            await Task.Delay(
                reports.All(r => r.Status == HealthStatus.Healthy) ? OnceHealthy : UntilHealthy,
                time,
                cancellationToken
            );
        }
    }

    private static HealthReportSnapshot Essence(HealthReportSnapshot report) => report with { LastRunAt = null };

    private async Task<HealthReportSnapshot> CheckAsync(
        Instance instance,
        HealthCheckAnnotation annotation,
        CancellationToken cancellationToken
    )
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Timeout);
        var report = new HealthReportSnapshot(annotation.Key, HealthStatus.Unhealthy, null, null)
        {
            LastRunAt = time.GetUtcNow().UtcDateTime,
        };
        try
        {
            return annotation.Http is { } probe
                ? await ProbeAsync(instance, probe, report, timeout.Token)
                : await RegisteredAsync(annotation.Key, report, timeout.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return report with { Description = $"No answer within {Timeout.TotalSeconds:0} s." };
        }
        catch (HttpRequestException e)
        {
            return report with { Description = e.Message };
        }
    }

    private async Task<HealthReportSnapshot> ProbeAsync(
        Instance instance,
        HttpProbe probe,
        HealthReportSnapshot report,
        CancellationToken cancellationToken
    )
    {
        var endpoint = instance
            .Resource.Annotations.OfType<EndpointAnnotation>()
            .First(e => e.Name == probe.EndpointName);
        // Behind the proxy, the probe needs the replica's own port, which DCP reports shortly after the start.
        var port =
            !endpoint.IsProxied ? endpoint.AllocatedEndpoint!.Port
            : instance.Ports.TryGetValue(EndpointAllocator.ServiceName(instance.Resource, endpoint), out var own) ? own
            : (int?)null;
        if (port is null)
            return report with { Description = "The replica's port is not known yet." };
        var uri = new UriBuilder(endpoint.UriScheme, endpoint.TargetHost, port.Value, probe.Path).Uri;
        using var response = await clients.CreateClient(nameof(HealthMonitor)).GetAsync(uri, cancellationToken);
        return (int)response.StatusCode == probe.StatusCode
            ? report with
            {
                Status = HealthStatus.Healthy,
            }
            : report with
            {
                Description = $"{uri} answered {(int)response.StatusCode}, expected {probe.StatusCode}.",
            };
    }

    private async Task<HealthReportSnapshot> RegisteredAsync(
        string key,
        HealthReportSnapshot report,
        CancellationToken cancellationToken
    )
    {
        var result = await checks.CheckHealthAsync(r => r.Name == key, cancellationToken);
        return result.Entries.TryGetValue(key, out var entry)
            ? report with
            {
                Status = entry.Status,
                Description = entry.Description,
                ExceptionText = entry.Exception?.ToString(),
            }
            : report with
            {
                Description = $"No health check '{key}' is registered.",
            };
    }
}
