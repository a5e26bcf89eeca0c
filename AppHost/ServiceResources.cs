using LocalServices;
using LocalServices.Supervision;

namespace AppHost;

/// <summary>The parts of the model that services share.</summary>
internal static class ServiceResources
{
    /// <summary>Adds restarts, health, environment and presentation. Call it after the endpoint was added.</summary>
    public static IResourceBuilder<ProjectResource> WithDefaults(
        this IResourceBuilder<ProjectResource> service,
        string icon,
        string linkText
    ) =>
        service
            .WithRestart()
            .WithHttpHealthCheck("/health")
            .WithUrlForEndpoint("http", url => url.DisplayText = linkText)
            .WithIconName(icon)
            .WithEnvironment("ASPNETCORE_ENVIRONMENT", service.ApplicationBuilder.Environment.EnvironmentName)
            // The dashboard draws explicit buckets only; by default the services export exponential histograms.
            .WithEnvironment("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram");

    /// <summary>Ends live runs before the orchestrator kills the process, which it does six seconds after SIGTERM.
    /// Deployments keep the service's own default.</summary>
    public static IResourceBuilder<ProjectResource> WithShortDrain(this IResourceBuilder<ProjectResource> service) =>
        service.ApplicationBuilder is { ExecutionContext.IsRunMode: true } app
            ? service.WithEnvironment("Runs__DrainSeconds", app.Configuration["Runs:DrainSeconds"] ?? "4")
            : service;

    /// <summary>Gives the service both stores, and starts it after them and the migrations.</summary>
    public static IResourceBuilder<ProjectResource> WithStores(
        this IResourceBuilder<ProjectResource> service,
        LocalStores stores,
        IResourceBuilder<ProjectResource> migrations
    ) =>
        service
            .WithReference(stores.EventStore)
            .WaitFor(stores.EventStore)
            .WithReference(stores.Redis)
            .WaitFor(stores.Redis)
            .WaitForCompletion(migrations);

    /// <summary>Adds the load tests: the smoke set, started by hand. Reports go to artifacts/load/.</summary>
    public static IResourceBuilder<ProjectResource> AddLoadTests(this IDistributedApplicationBuilder builder) =>
        builder
            .AddProject<Projects.LoadTests>("loadtests")
            .WithExplicitStart()
            .WithArgs("--reports", Path.GetFullPath("../artifacts/load", builder.AppHostDirectory))
            .WithIconName("TopSpeed");
}
