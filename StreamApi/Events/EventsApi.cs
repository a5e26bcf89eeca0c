namespace StreamApi.Events;

/// <summary><c>/v1/events</c> and <c>/v1/topics</c>: publish, subscribe, history, topics; and
/// <c>/v1/erasures</c>.</summary>
internal static class EventsApi
{
    public static void AddEvents(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<EventsOptions>()
            .BindConfiguration("Events")
            .ValidateDataAnnotations()
            .PostConfigure<IEnumerable<ReservedTopics>>((options, topics) => options.Reserve(topics))
            .ValidateOnStart();
        builder.Services.AddSingleton<JsonPublish>();
        builder.Services.AddSingleton<NdjsonPublish>();
        builder.Services.AddSingleton<TopicPageReader>();
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1").WithTags("Events");
        events.MapPublish();
        events.MapHistory();
        events.MapTopics();
        events.MapSubscribe();
        events.MapErasures();
    }

    /// <summary>Returns the number of events or topics that a page should have: 1,000 at most, by the
    /// contract.</summary>
    public static int LimitOf(HttpContext context) => context.Request.Query.PageLimit(usual: 100, most: 1_000);
}
