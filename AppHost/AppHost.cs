// The whole system: its resources, their dependencies and the order in which they start.
using AppHost;
using LocalServices;
using LocalServices.Supervision;

LoopbackProxy.Bypass();
var builder = DistributedApplication.CreateBuilder(LocalServicesOptions.Expand(args));

// Redis and Postgres: containers if a container runtime answers, otherwise processes of this machine.
var stores = builder.AddLocalStores();
builder.AddFailureReport();

// Runs the migrations before any other service starts.
var migrations = builder
    .AddProject<Projects.StreamApi>("migrations")
    .WithArgs("migrate")
    .WithIconName("DatabaseArrowUp")
    .WithRemedy(stores.Remedy)
    .WithEnvironment("DOTNET_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithReference(stores.EventStore)
    .WaitFor(stores.EventStore);

var streamapi = builder
    .AddProject<Projects.StreamApi>("streamapi")
    .WithReplicas(2)
    .WithHttpEndpoint(port: 5080)
    .WithExternalHttpEndpoints()
    .WithDefaults("Stream", "API")
    .WithShortDrain()
    .WithStores(stores, migrations)
    .WithAddressPrinted()
    .WithPublishCommand()
    .WithResetCommand(stores.EventStore);
if (DeveloperCertificate.Ensure())
    streamapi.WithHttpsEndpoint(port: 5443).WithUrlForEndpoint("https", url => url.DisplayText = "API (HTTP/2)");

// Relays the log to Redis: one replica leads, the other waits for its lease.
var broadcaster = builder
    .AddProject<Projects.Broadcaster>("broadcaster")
    .WithReplicas(2)
    .WithHttpEndpoint()
    .WithDefaults("Megaphone", "Status")
    .WithStores(stores, migrations);

var webfrontend = builder
    .AddProject<Projects.WebFrontend>("webfrontend")
    .WithHttpEndpoint(port: 5090)
    .WithExternalHttpEndpoints()
    .WithDefaults("Globe", "Dashboards and demos")
    .WithEnvironment("StreamApi__PublicUrl", streamapi.GetEndpoint("http"))
    .WithDashboardUrl()
    .WithAddressPrinted()
    .WithReference(broadcaster)
    .WithReference(streamapi)
    .WaitFor(streamapi);
streamapi.WithEnvironment("Cors__AllowedOrigins__0", webfrontend.GetEndpoint("http"));

builder.AddLoadTests().WithReference(streamapi).WaitFor(streamapi);
builder.AddPublishers();
builder.Build().Run();
