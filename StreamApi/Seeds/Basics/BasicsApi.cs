namespace StreamApi.Seeds.Basics;

/// <summary>The articles' introductory streams.</summary>
internal static class BasicsApi
{
    public static void AddBasics(this WebApplicationBuilder builder)
    {
        builder.Services.ReserveTopics(Ticker.Topic);
        builder.Services.AddHostedService<Ticker>();
    }

    public static void MapBasics(this IEndpointRouteBuilder app)
    {
        var basics = app.MapGroup("").WithTags("Basics");
        basics
            .MapStream("/sse/events", (HttpRequest request) => ArticleStream.Of(request, Ticker.Topic, isNamed: false))
            .Reads(Ticker.Topic)
            .WithStreamPool("Sse")
            .SwitchesNames()
            .Sends("Streams one tick per second, the same for all readers.", ("tick", typeof(Tick)));

        // The article's four handlers differ only in their Python declaration.
        foreach (var variant in (string[])["", "-no-async", "-no-annotation", "-no-async-no-annotation"])
            basics
                .MapStream("/items/stream" + variant, Lists.StreamItems)
                .Reads("items")
                .SwitchesNames()
                .SendsNumbered(
                    "Streams three items; resumes after Last-Event-ID (1…3), 204 after the last.",
                    ("item_update", typeof(Item))
                );

        basics
            .MapStream("/logs/stream", Lists.StreamLogs)
            .Reads("logs")
            .SwitchesNames()
            .SendsNumbered("Streams log lines as raw text.", ("log", typeof(string)));

        basics
            .MapMethods("/chat/stream", ["POST", "QUERY"], ChatStream.AnswerAsync)
            .Publishes("chat")
            .CountedAs(RequestKind.Stream)
            .Takes<ChatPrompt>()
            .SwitchesNames()
            .SendsOnce(
                "Streams one token per word of the text, then [DONE].",
                ("token", typeof(string)),
                ("done", typeof(string))
            );
    }

    /// <summary>Data of a tick; <see cref="Timestamp"/> is in Unix seconds.</summary>
    private sealed record Tick(long Id, string Message, double Timestamp);

    private sealed record ChatPrompt(string Text);
}
