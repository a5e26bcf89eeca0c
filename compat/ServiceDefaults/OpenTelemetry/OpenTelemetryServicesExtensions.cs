// Stands in for OpenTelemetry.Extensions.Hosting. Not affiliated with the OpenTelemetry project.
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

public static class OpenTelemetryServicesExtensions
{
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        // Inserted before all other hosted services, so that telemetry covers their start. Added once only.
        if (!services.Any(s => s.ImplementationType == typeof(TelemetryStart)))
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, TelemetryStart>());

        return new OpenTelemetryBuilder(services);
    }

    /// <summary>Builds the providers at start, since nothing else requests
    /// them. The container disposes them, which flushes.</summary>
    private sealed class TelemetryStart(IServiceProvider services) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            services.GetService<MeterProvider>();
            services.GetService<TracerProvider>();
            services.GetService<LoggerProvider>();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
