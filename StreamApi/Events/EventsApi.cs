using Streaming.Access;

namespace StreamApi.Events;

/// <summary><c>/v1/events</c> and <c>/v1/topics</c>: publish, subscribe, history, topics.</summary>
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
        builder.Services.AddSingleton<NdjsonPublish>();
        builder.Services.AddSingleton<TopicLists>();
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1").WithTags("Events");
        events.MapPublish();
        events.MapHistory();
        events.MapTopics();
        events.MapSubscribe();
    }
}
