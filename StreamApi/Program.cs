using LlmGateway;
using StreamApi;
using StreamApi.Connections;
using StreamApi.Events;
using StreamApi.OpenApi;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Seeds;
using StreamApi.Stats;
using Streaming;

if (await Commands.RunAsync(args) is { } exitCode)
    return exitCode;
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();
builder.AddSecurity();
builder.AddStreaming(ReplicaName.Get("streamapi"));
builder.AddLlmGateway();
builder.AddEvents();
builder.AddConnections();
builder.AddReplicas();
builder.AddStats();
builder.AddSeeds();
builder.AddDocumentation();

var app = builder.Build();
app.UseSecurity();
app.MapDefaultEndpoints();
app.MapSecurity();
app.MapEvents();
app.MapConnections();
app.MapReplicas();
app.MapStats();
app.MapLlmGateway();
app.MapSeeds();
app.MapDocumentation();
app.Run();
return Environment.ExitCode;
