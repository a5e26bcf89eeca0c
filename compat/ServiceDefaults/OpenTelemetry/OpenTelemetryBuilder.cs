// Stands in for OpenTelemetry.Extensions.Hosting. Not affiliated with the OpenTelemetry project.
using Microsoft.Extensions.DependencyInjection;

namespace OpenTelemetry;

/// <summary>
/// Stands in for the builder of OpenTelemetry.Extensions.Hosting: the core package's WithTracing, WithMetrics,
/// WithLogging and
/// ConfigureResource extend the interface.
/// </summary>
public sealed class OpenTelemetryBuilder : IOpenTelemetryBuilder
{
    internal OpenTelemetryBuilder(IServiceCollection services) => Services = services;

    public IServiceCollection Services { get; }
}
