using Streaming;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds.Basics;

/// <summary>The first streams that anyone builds.</summary>
internal static class BasicsApi
{
    private static readonly NamedFormats Ticks = NamedFormats.Of(_ => false);

    public static void AddBasics(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<BasicsOptions>()
            .BindConfiguration("Basics")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddHostedService<Ticker>();
        builder.Services.ReserveTopics(Ticker.Topic);
    }

    public static void MapBasics(this IEndpointRouteBuilder app)
    {
        var basics = app.MapGroup("").WithTags("Basics");
        basics
            .MapStream(
                "/sse/events",
                (HttpContext context, StreamOpener streams) =>
                {
                    var filter = new StreamFilter(
                        [Ticker.Topic],
                        [],
                        [],
                        Ticks.For(context.Request.Query.Flag("named"))
                    );
                    return streams.OpenAsync(context, context.Subscription(filter, Greetings.IdOnly));
                }
            )
            .Reads(Ticker.Topic)
            .WithStreamPool("Sse")
            .Sends("A tick a second, the same for all readers.", ("tick", typeof(Tick)));

        // The article's four handlers differ in how Python declares them; on the wire they are one.
        foreach (var variant in (string[])["", "-no-async", "-no-annotation", "-no-async-no-annotation"])
            basics
                .MapStream(
                    "/items/stream" + variant,
                    (HttpContext context, PushOpener streams) => Lists.Items.OpenAsync(context, streams)
                )
                .Reads(Lists.Items.Topic)
                .Sends(
                    "Three items; resumes after Last-Event-ID (1…3), 204 after the last.",
                    ("item_update", typeof(Item))
                );
        basics
            .MapStream(
                "/logs/stream",
                (HttpContext context, PushOpener streams) => Lists.Logs.OpenAsync(context, streams)
            )
            .Reads(Lists.Logs.Topic)
            .Sends("Log lines as raw text.", ("log", typeof(string)));

        basics
            .MapPost("/chat/stream", ChatStream.OpenAsync)
            .Publishes("chat")
            .LimitedAsStream()
            .DisableHttpMetrics()
            .RefusesInvalid()
            .Takes<ChatPrompt>()
            .SendsOnce(
                "A token per word of the text, then [DONE].",
                ("token", typeof(string)),
                ("done", typeof(string))
            );
    }

    /// <summary>What a tick's data holds; <see cref="Timestamp"/> in Unix seconds.</summary>
    private sealed record Tick(long Id, string Message, double Timestamp);

    private sealed record ChatPrompt(string Text);
}
