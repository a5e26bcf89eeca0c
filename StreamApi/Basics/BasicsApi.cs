using EventStore;
using StreamApi.Streaming;
using StreamApi.Streaming.Fanout;
using StreamApi.Streaming.Frames;

namespace StreamApi.Basics;

/// <summary>The first streams that anyone builds.</summary>
internal static class BasicsApi
{
    public static void AddBasics(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<Ticker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Ticker>());
    }

    public static void MapBasics(this IEndpointRouteBuilder app) =>
        app.MapGet("/sse/events", (HttpContext context, Streams streams) =>
        {
            var named = context.Request.Query["named"] == "true";
            var filter = new StreamFilter([Ticker.Topic], [], [], named ? PlainForm.Named : PlainForm.Unnamed);
            return streams.OpenAsync(context, new StreamRequest(filter, LastEventId.Of(context.Request), context.Request.Query["from"] == "earliest", Greeting: Greetings.IdOnly));
        }).DisableHttpMetrics().WithTags("Basics");
}
