using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AppHost;

/// <summary>Settings that the services of this stack share, beside what <c>AppHost.cs</c> shows.</summary>
internal static class ServiceResources
{
    /// <summary>Runs the service in the AppHost's environment, with histograms that the dashboard can draw.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceEnvironment(
        this IResourceBuilder<ProjectResource> service
    ) =>
        service
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", service.ApplicationBuilder.Environment.EnvironmentName)
            // The dashboard draws explicit buckets only; by default the services export exponential histograms.
            .WithEnvironment("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram");

    /// <summary>Starts the program that was built with the AppHost. By default Aspire starts a project by
    /// <c>dotnet run</c>, which evaluates it again for each replica and keeps a process of 140 MB beside it.</summary>
    public static IResourceBuilder<ProjectResource> WithBuiltProgram(this IResourceBuilder<ProjectResource> service)
    {
        var project = service.Resource.GetProjectMetadata().ProjectPath;
        var name = Path.GetFileNameWithoutExtension(project);
        // artifacts/bin/<project>/<configuration>/: this process and its projects have the same configuration.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", name, configuration));
        var program = Path.Combine(folder, OperatingSystem.IsWindows() ? $"{name}.exe" : name);

        return service.WithAnnotation(
            new ExecutableAnnotation { Command = program, WorkingDirectory = Path.GetDirectoryName(project)! }
        );
    }

    /// <summary>Ends live runs before the orchestrator kills the process, which it does six seconds after SIGTERM.
    /// Deployments keep the service's own default.</summary>
    public static IResourceBuilder<ProjectResource> WithShortDrain(this IResourceBuilder<ProjectResource> service) =>
        service.WithEnvironment(
            "AspireSse__Runs__DrainSeconds",
            service.ApplicationBuilder.Configuration["AspireSse:Runs:DrainSeconds"]
                ?? service.ApplicationBuilder.Configuration["Runs:DrainSeconds"] // its old name
                ?? "4"
        );

    /// <summary>Prints the service's address once it is ready, because on free ports only the dashboard would show
    /// it.</summary>
    public static IResourceBuilder<ProjectResource> WithAddressPrinted(
        this IResourceBuilder<ProjectResource> service
    ) =>
        service.OnResourceReady(
            (resource, ready, _) =>
            {
                ready
                    .Services.GetRequiredService<ILogger<DistributedApplication>>()
                    .LogInformation("{Service} is at {Url}", resource.Name, resource.GetEndpoint("http").Url);
                return Task.CompletedTask;
            }
        );
}
