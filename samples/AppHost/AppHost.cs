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

var nats = builder
    .AddExecutable("nats", "nats-server", ".", "-js", "-sd", ".local/nats", "-a", "127.0.0.1")
    .WithExplicitStart();
builder.AddProject<Projects.Bridge>("bridge").WithReference(shop).WithExplicitStart().WaitFor(shop).WaitFor(nats);

builder.Build().Run();
