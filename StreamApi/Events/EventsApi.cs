using StreamApi.OpenApi;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace StreamApi.Events;

/// <summary>Publish, subscribe, history: <c>/v1/events</c>.</summary>
internal static class EventsApi
{
    public static void AddEvents(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<EventsOptions>().BindConfiguration("Events").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<NdjsonPublish>();
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1/events").WithTags("Events");
        events.MapPost("", PublishEndpoint.PublishAsync).LimitedAsPublish().ChecksTopics();
        events.MapGet("", HistoryEndpoint.ReadAsync).ChecksTopics();
        app.MapGet("/v1/topics", TopicsEndpoint.ListAsync).ChecksTopics().WithTags("Events");
        events.MapMethods("/stream", ["GET", "POST", "QUERY"], SubscribeEndpoint.SubscribeAsync).DisableHttpMetrics().LimitedAsStream().SendsEvents().ChecksTopics();
    }
}
