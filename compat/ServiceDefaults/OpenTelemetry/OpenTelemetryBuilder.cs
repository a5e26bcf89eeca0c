// Stands in for OpenTelemetry.Extensions.Hosting. Not affiliated with the OpenTelemetry project.
using Microsoft.Extensions.DependencyInjection;

namespace OpenTelemetry;

/// <summary>The builder that the OpenTelemetry package extends with
/// WithTracing, WithMetrics, WithLogging and ConfigureResource.</summary>
public sealed class OpenTelemetryBuilder : IOpenTelemetryBuilder
{
    internal OpenTelemetryBuilder(IServiceCollection services) => Services = services;

    public IServiceCollection Services { get; }
}
