namespace Microsoft.Extensions.Hosting;

/// <summary>What this process is called, the same in telemetry, logs, API and dashboard.</summary>
public static class ReplicaName
{
    /// <summary>
    /// <c>service.name-service.instance.id</c> of OpenTelemetry's environment variables, which is also the resource's
    /// name in the Aspire
    /// dashboard; outside it, <paramref name="service"/> with the machine and process.
    /// </summary>
    public static string Get(string service)
    {
        var name = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME");
        foreach (var attribute in (Environment.GetEnvironmentVariable("OTEL_RESOURCE_ATTRIBUTES") ?? "").Split(','))
            if (name is { Length: > 0 } && attribute.Split('=', 2) is ["service.instance.id", { Length: > 0 } instance])
                return $"{name}-{instance}";
        return $"{service}-{Environment.MachineName}-{Environment.ProcessId}";
    }
}
