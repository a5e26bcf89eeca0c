// Stands in for OpenTelemetry.Extensions.Hosting. Not affiliated with the OpenTelemetry project.
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Stands in for OpenTelemetry.Extensions.Hosting.</summary>
public static class OpenTelemetryServicesExtensions
{
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        // First of all hosted services, so that nothing that starts goes unseen. Once, however often it is asked for.
        if (!services.Any(s => s.ImplementationType == typeof(TelemetryStart)))
        {
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, TelemetryStart>());
        }

        return new OpenTelemetryBuilder(services);
    }

    /// <summary>Builds the providers at start: nobody else asks for them. The container disposes them at the end, which
    /// flushes.</summary>
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
