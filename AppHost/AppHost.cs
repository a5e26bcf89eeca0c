// The whole system on one page.
var builder = DistributedApplication.CreateBuilder(args);
var environment = builder.Environment.EnvironmentName;

// Stores: containers where a container runtime answers, otherwise native processes.
var redisServer = builder.AddExecutable("redis-server", "sh", ".", "-c", "echo redis up; exec sleep 100000")
    .WithEndpoint(port: 6390, name: "tcp", scheme: "tcp", isProxied: false);
var redis = builder.AddConnectionString("redis", ReferenceExpression.Create($"{redisServer.GetEndpoint("tcp").Property(EndpointProperty.HostAndPort)}"));

var migrations = builder.AddExecutable("migrations", "sh", ".", "-c", "echo migrating; sleep 2; echo done");

var streamapi = builder.AddProject<Projects.StreamApi>("streamapi")
    .WithReplicas(2)
    .WithHttpEndpoint(port: 5080)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
    .WithReference(redis).WaitFor(redisServer)
    .WaitForCompletion(migrations);

builder.AddProject<Projects.Broadcaster>("broadcaster")
    .WithReplicas(2)
    .WithReference(redis).WaitFor(redisServer);

var webfrontend = builder.AddProject<Projects.WebFrontend>("webfrontend")
    .WithHttpEndpoint(port: 5090)
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", environment)
    .WithEnvironment("StreamApi__PublicUrl", streamapi.GetEndpoint("http"))
    .WithReference(streamapi).WaitFor(streamapi);

builder.AddProject<Projects.LoadTests>("loadtests")
    .WithReference(streamapi)
    .WithExplicitStart();

builder.Build().Run();
