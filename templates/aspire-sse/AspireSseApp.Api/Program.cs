using AspireSse;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddEventStore();

// Every replica may relay the log through Redis; one of them does at a time.
builder.AddSse(redis: "redis").AddSseBroadcaster("redis");

var app = builder.Build();
app.MapDefaultEndpoints();
app.UseFileServer();

// Each hole of a topic is one token, so a room called * is 404, and not all rooms.
app.MapGet("/rooms/{room}/events", (string room) => TypedResults.EventStream($"rooms.{room}.>")).AllowAnonymous();

app.MapPost(
    "/rooms/{room:regex(^[A-Za-z0-9_-]+$)}/messages",
    async (string room, Message message, IEventLog log) =>
    {
        var appended = await log.AppendAsync($"rooms.{room}.messages", "message", message);
        return TypedResults.Ok(new { id = appended.At.ToString() });
    }
);

app.Run();

internal sealed record Message(string Text);
