using LlmGateway;
using Runs;
using StreamApi;
using StreamApi.Connections;
using StreamApi.Events;
using StreamApi.OpenApi;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Seeds;
using Streaming;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
if (args is ["migrate", ..])
    return await Migration.RunAsync(args);
if (args is ["wait-for-schema", ..])
    return await Migration.WaitAsync(args);
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();
builder.AddRelayRedis();
builder.AddSecurity();
builder.AddStreaming(ReplicaName.Get("streamapi"));
builder.AddRuns();
builder.AddLlmGateway();
builder.AddEvents();
builder.AddConnections();
builder.AddReplicas();
builder.AddSeeds();
builder.AddOpenApiDocumentation();

var app = builder.Build();
app.UseSecurity();
app.MapDefaultEndpoints();
app.MapSecurity();
app.MapEvents();
app.MapConnections();
app.MapReplicas();
app.MapLlmGateway();
app.MapSeeds();
app.MapOpenApiDocumentation();
app.Run();
return Environment.ExitCode;
