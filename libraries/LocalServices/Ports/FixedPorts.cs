using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Supervision;
using Microsoft.Extensions.Configuration;

namespace LocalServices;

/// <summary>The ports that the AppHost names, so that addresses stay the same from start to start.</summary>
internal static class FixedPorts
{
    private static readonly string[] DashboardUrls =
    [
        "ASPNETCORE_URLS",
        "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL",
        "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL",
        "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL",
    ];

    /// <summary>Refuses a start while one of the ports is in use: the program that has it would answer
    /// instead.</summary>
    /// <exception cref="LocalServicesException">A port is in use. At a terminal the program ends instead.</exception>
    public static void RequireFreePorts(this IDistributedApplicationBuilder builder)
    {
        if (
            builder.ExecutionContext.IsPublishMode
            || builder.Configuration.GetValue<bool>("DcpPublisher:RandomizePorts")
        )
            return;

        var endpoints =
            from resource in builder.Resources
            from endpoint in resource.Annotations.OfType<EndpointAnnotation>()
            where endpoint.Port is not null && endpoint.IsProxied
            select (Port: endpoint.Port.GetValueOrDefault(), Owner: resource.Name);

        var dashboard =
            from setting in DashboardUrls
            from url in (builder.Configuration[setting] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries)
            let port = new Uri(url).Port
            where port != 0
            select (Port: port, Owner: "the dashboard");
        if (
            endpoints.Concat(dashboard).FirstOrDefault(used => !LoopbackPort.BecomesFree(used.Port))
            is not { Port: > 0 } busy
        )
            return;

        var message =
            $"Port {busy.Port} for {busy.Owner} is in use by another program. Stop that program, perhaps an earlier "
            + $"start of this system, or start a second, empty stack on free ports: {LocalServicesOptions.SecondStack}";
        builder.EndAtTerminal(message);
        throw new LocalServicesException(message);
    }
}
