using StreamApi.OpenApi;
using StreamApi.Requests;
using Streaming.Access;
using Streaming.Endpoints;

namespace StreamApi.Events;

/// <summary>Publish, subscribe, history: <c>/v1/events</c>.</summary>
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
        builder.Services.AddSingleton<StoreReads>();
        builder.Services.AddSingleton<TopicLists>();
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1/events").WithTags("Events");
        events
            .MapPost("", PublishEndpoint.PublishAsync)
            .LimitedAsPublish()
            .ChecksTopics()
            .Body(typeof(PublishBody))
            .Produces<Published>(StatusCodes.Status202Accepted);
        events
            .MapGet("", HistoryEndpoint.ReadAsync)
            .ChecksTopics()
            .RefusesInvalid()
            .Query("topic", "A topic or pattern, as often as wanted.")
            .Query("type", "An event type, as often as wanted.")
            .Query("key", "An event key, as often as wanted.")
            .Query("after", "The id after which to read.")
            .Query("limit", "Most events of the answer.");
        app.MapGet("/v1/topics", TopicsEndpoint.ListAsync)
            .ChecksTopics()
            .RefusesInvalid()
            .WithTags("Events")
            .Query("prefix", "What the topics begin with.")
            .Query("limit", "Most topics of the answer.")
            .Query("after", "The last topic of the page before.");
        events
            .MapMethods("/stream", ["GET", "POST", "QUERY"], SubscribeEndpoint.SubscribeAsync)
            .DisableHttpMetrics()
            .LimitedAsStream()
            .SendsEvents()
            .ChecksTopics()
            .Body(typeof(SubscribeEndpoint.SubscribeBody));
    }

    /// <summary>For the document: one event; a list of them and NDJSON are taken too.</summary>
    private sealed record PublishBody(string Topic, string Type, object Data, string? Key, Guid? Id);
}
