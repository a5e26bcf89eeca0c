using Broadcaster;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();
builder.AddStoreUsage();
builder.AddRelayRedis();
builder.AddRelay();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapStatus();
app.Run();
return Environment.ExitCode;
