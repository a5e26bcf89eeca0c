using StreamApi;
using StreamApi.Basics;
using StreamApi.Chat;
using StreamApi.Connections;
using StreamApi.Events;
using StreamApi.Replicas;
using StreamApi.Runs;
using StreamApi.Security;
using StreamApi.Streaming;

if (args is ["migrate", ..]) return await StreamApi.Migration.RunAsync(args);

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();
builder.AddRedisClient("redis");
builder.AddProblems();
builder.AddBrowserAccess();
builder.AddStreaming();
builder.AddRuns();
builder.AddEvents();
builder.AddBasics();
builder.AddChat();
builder.AddReplicas();
builder.AddConnections();

var app = builder.Build();
app.UseProblems();
app.UseCors();
app.MapDefaultEndpoints();
app.MapEvents();
app.MapBasics();
app.MapChat();
app.MapReplicas();
app.MapConnections();
app.Run();
return 0;
