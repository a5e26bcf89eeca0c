using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.Hosting;

/// <summary>The name of this replica in telemetry, logs, API and dashboard.</summary>
public static class ReplicaName
{
    /// <summary>Returns <c>service.name-service.instance.id</c> of OpenTelemetry's variables, the name in the Aspire
    /// dashboard; without them <paramref name="service"/> with machine and process id.</summary>
    public static string Get(string service, IConfiguration configuration)
    {
        var name = configuration["OTEL_SERVICE_NAME"];
        foreach (var attribute in (configuration["OTEL_RESOURCE_ATTRIBUTES"] ?? "").Split(','))
            if (name is { Length: > 0 } && attribute.Split('=', 2) is ["service.instance.id", { Length: > 0 } instance])
                return $"{name}-{instance}";
        return $"{service}-{Environment.MachineName}-{Environment.ProcessId}";
    }
}
