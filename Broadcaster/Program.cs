using Broadcaster;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();
builder.AddRedisClient("redis");
builder.AddRelay();

var app = builder.Build();
app.MapDefaultEndpoints();
app.MapRelayStatus();
app.Run();
