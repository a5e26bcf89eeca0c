// The whole system on one page: what runs, what it needs and in which order it starts.
using AppHost;
using LocalServices;
using LocalServices.Supervision;

var builder = DistributedApplication.CreateBuilder(LocalServicesOptions.Expand(args));
var environment = builder.Environment.EnvironmentName;

// Redis and Postgres: containers where a container runtime answers, otherwise processes of this machine.
var stores = builder.AddLocalStores();

// What keeps the stack from standing is said on the console.
builder.AddFailureReport();

// Once, before everything else that reads or writes the store.
var migrations = builder
    .AddProject<Projects.StreamApi>("migrations")
    .WithArgs("migrate")
    .WithIconName("DatabaseArrowUp")
    .WithRemedy(stores.Remedy)
    .WithEnvironment("DOTNET_ENVIRONMENT", environment)
    .WithReference(stores.EventStore)
    .WaitFor(stores.EventStore);

var streamapi = builder
    .AddProject<Projects.StreamApi>("streamapi")
    .WithReplicas(2)
    .WithRestart()
    .WithHttpEndpoint(port: 5080)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "API")
    .WithIconName("Stream")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
    .WithReference(stores.EventStore)
    .WaitFor(stores.EventStore)
    .WithReference(stores.Redis)
    .WaitFor(stores.Redis)
    .WaitForCompletion(migrations)
    .WithAddressPrinted()
    .WithPublishCommand()
    .WithResetCommand(stores.EventStore);
if (DeveloperCertificate.Ensure())
    streamapi.WithHttpsEndpoint(port: 5443).WithUrlForEndpoint("https", url => url.DisplayText = "API (HTTP/2)");

// Tails the log into Redis: one leads, the other waits for its lease.
var broadcaster = builder
    .AddProject<Projects.Broadcaster>("broadcaster")
    .WithReplicas(2)
    .WithRestart()
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Status")
    .WithIconName("Megaphone")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
    .WithReference(stores.EventStore)
    .WaitFor(stores.EventStore)
    .WithReference(stores.Redis)
    .WaitFor(stores.Redis)
    .WaitForCompletion(migrations);

var webfrontend = builder
    .AddProject<Projects.WebFrontend>("webfrontend")
    .WithRestart()
    .WithHttpEndpoint(port: 5090)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Dashboards and demos")
    .WithIconName("Globe")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
    .WithEnvironment("StreamApi__PublicUrl", streamapi.GetEndpoint("http"))
    .WithDashboardUrl()
    .WithAddressPrinted()
    .WithReference(broadcaster)
    .WithReference(streamapi)
    .WaitFor(streamapi);
streamapi.WithEnvironment("Cors__AllowedOrigins__0", webfrontend.GetEndpoint("http"));

// The smoke set against this system, when somebody presses Start; its reports are in artifacts/load/.
var loadtests = builder
    .AddProject<Projects.LoadTests>("loadtests")
    .WithExplicitStart()
    .WithArgs("--reports", Path.GetFullPath("../artifacts/load", builder.AppHostDirectory))
    .WithIconName("TopSpeed")
    .WithReference(streamapi)
    .WaitFor(streamapi);

// The dashboard draws histograms with explicit buckets only; elsewhere the services export exponential ones.
foreach (var service in (IResourceBuilder<ProjectResource>[])[streamapi, broadcaster, webfrontend, loadtests])
    service.WithEnvironment("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "explicit_bucket_histogram");

builder.Build().Run();
