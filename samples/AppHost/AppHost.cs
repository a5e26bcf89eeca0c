var builder = DistributedApplication.CreateBuilder(args);
var stores = builder.AddLocalStores();
var log = stores.EventStore.WithEventStoreSchema();

var shop = builder
    .AddProject<Projects.Shop>("shop")
    .WithHttpEndpoint()
    .WithExternalHttpEndpoints()
    .WithReference(log)
    .WaitFor(log);

builder
    .AddProject<Projects.Agent>("agent")
    .WithHttpEndpoint()
    .WithExternalHttpEndpoints()
    .WithReference(log)
    .WaitFor(log);

builder
    .AddProject<Projects.Chat>("chat")
    .WithHttpEndpoint()
    .WithExternalHttpEndpoints()
    .WithReference(log)
    .WaitFor(log);

var nats = builder
    .AddExecutable("nats", "nats-server", ".", "-js", "-sd", ".local/nats", "-a", "127.0.0.1")
    .WithExplicitStart();

// The bridge signs in as the staff, which you register on the shop's page.
builder
    .AddProject<Projects.Bridge>("bridge")
    .WithReference(shop)
    .WithEnvironment("Shop__Staff", "staff@example.com")
    .WithEnvironment("Shop__Password", builder.AddParameter("staff-password", "Tea-for-2!"))
    .WithExplicitStart()
    .WaitFor(shop)
    .WaitFor(nats);

builder.Build().Run();
