// The whole system: its resources, what each refers to and waits for.
using AppHost;
using LocalServices;
using LocalServices.Supervision;

LoopbackProxy.Bypass();
var builder = DistributedApplication.CreateBuilder(LocalServicesOptions.Expand(args));
builder.AddFailureReport();

// Postgres holds the truth, Redis gives speed. Both are containers if a container runtime answers, otherwise processes
// of this machine; ConnectionStrings__eventstore and ConnectionStrings__redis name your own.
var stores = builder.AddLocalStores();
var eventStore = stores.EventStore;
var redis = stores.Redis;

// Runs the migrations before any other service starts.
var migrations = builder
    .AddProject<Projects.StreamApi>("migrations")
    .WithArgs("migrate")
    .WithBuiltProgram()
    .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithIconName("DatabaseArrowUp")
    .WithRemedy(stores.Remedy)
    .WithReference(eventStore)
    .WaitFor(eventStore);

// The API: two replicas behind one address, which the orchestrator distributes connections over.
var streamapi = builder
    .AddProject<Projects.StreamApi>("streamapi")
    .WithReplicas(2)
    .WithHttpEndpoint(port: 5080)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithBuiltProgram()
    .WithServiceEnvironment()
    .WithShortDrain()
    .WithRestart()
    .WithIconName("Stream")
    .WithUrlForEndpoint("http", url => url.DisplayText = "API")
    .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = "/scalar", DisplayText = "API reference" })
    .WithAddressPrinted()
    .WithPublishCommand()
    .WithResetCommand(eventStore)
    .WithReference(eventStore)
    .WithReference(redis)
    .WaitFor(eventStore)
    .WaitFor(redis)
    .WaitForCompletion(migrations);

if (DeveloperCertificate.Ensure())
    streamapi.WithHttpsEndpoint(port: 5443).WithUrlForEndpoint("https", url => url.DisplayText = "API (HTTP/2)");

// Relays the log to Redis: one replica leads, the other waits for its lease.
var broadcaster = builder
    .AddProject<Projects.Broadcaster>("broadcaster")
    .WithReplicas(2)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health")
    .WithBuiltProgram()
    .WithServiceEnvironment()
    .WithRestart()
    .WithIconName("Megaphone")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Status")
    .WithReference(eventStore)
    .WithReference(redis)
    .WaitFor(eventStore)
    .WaitFor(redis)
    .WaitForCompletion(migrations);

// The pages: dashboards and demos, a client of the same API.
var webfrontend = builder
    .AddProject<Projects.WebFrontend>("webfrontend")
    .WithHttpEndpoint(port: 5090)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithBuiltProgram()
    .WithServiceEnvironment()
    .WithEnvironment("StreamApi__PublicUrl", streamapi.GetEndpoint("http"))
    .WithDashboardUrl()
    .WithRestart()
    .WithIconName("Globe")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Dashboards and demos")
    .WithAddressPrinted()
    .WithReference(broadcaster)
    .WithReference(streamapi)
    .WaitFor(streamapi);

// Browsers may call the API from the pages.
streamapi.WithEnvironment("Cors__AllowedOrigins__0", webfrontend.GetEndpoint("http"));

// The smoke set of load tests: started by hand, reports in artifacts/load/.
builder
    .AddProject<Projects.LoadTests>("loadtests")
    .WithArgs("--reports", Path.GetFullPath("../artifacts/load", builder.AppHostDirectory))
    .WithBuiltProgram()
    .WithExplicitStart()
    .WithIconName("TopSpeed")
    .WithReference(streamapi)
    .WaitFor(streamapi);

builder.RequireFreePorts();
builder.Build().Run();
