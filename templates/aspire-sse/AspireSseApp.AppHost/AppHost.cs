var builder = DistributedApplication.CreateBuilder(args);

// Containers, or processes of this machine; ConnectionStrings__eventstore and ConnectionStrings__redis name your own.
var stores = builder.AddLocalStores();
var eventStore = stores.EventStore.WithEventStoreSchema();

builder
    .AddProject<Projects.ResourceClass_Api>("api")
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health")
    .WithReference(eventStore)
    .WithReference(stores.Redis)
    .WaitFor(eventStore)
    .WaitFor(stores.Redis);

builder.Build().Run();
