// Stands in for Aspire.Hosting's OTLP configuration of resources. Not affiliated with Microsoft or the .NET Foundation.
using Aspire.Hosting.Dashboard;

namespace Aspire.Hosting;

public static class OtlpConfigurationExtensions
{
    /// <summary>Sends the resource's telemetry to the dashboard, by
    /// OpenTelemetry's standard environment variables.</summary>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment
    {
        var app = builder.ApplicationBuilder;
        return builder.WithEnvironment(context =>
        {
            if (
                app.Resources.FirstOrDefault(r => r.Name == DashboardResource.Name)
                is not IResourceWithEndpoints dashboard
            )
                return;
            var variables = context.EnvironmentVariables;
            variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = dashboard.GetEndpoint("otlp-grpc");
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
            variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={app.Configuration["AppHost:OtlpApiKey"]}";
            // DCP fills these in for each replica, from the annotations that SpecFactory sets.
            variables["OTEL_SERVICE_NAME"] = "{{- index .Annotations \"otel-service-name\" -}}";
            variables["OTEL_RESOURCE_ATTRIBUTES"] =
                "service.instance.id={{- index .Annotations \"otel-service-instance-id\" -}}";
            if (!app.Environment.IsDevelopment())
                return;
            foreach (
                var delay in (string[])
                    ["OTEL_BLRP_SCHEDULE_DELAY", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"]
            )
                variables[delay] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        });
    }
}
