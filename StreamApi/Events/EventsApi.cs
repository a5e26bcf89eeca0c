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
            .Validate(o => o.DefaultPage <= o.MaxPage, "Events:DefaultPage must be at most Events:MaxPage.")
            .Validate(
                o => o.MaxEventBytes <= o.MaxRequestBytes,
                "Events:MaxEventBytes must be at most Events:MaxRequestBytes. Else it could not be published."
            )
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
