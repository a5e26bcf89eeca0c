using LlmGateway;
using StreamApi.Connections;
using StreamApi.Events;
using StreamApi.OpenApi;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Seeds;
using StreamApi.Stats;
using Streaming;

namespace StreamApi;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class StreamApiApplication
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddEventStore();
        builder.AddSecurity();
        builder.AddStreaming(ReplicaName.Get("streamapi", builder.Configuration));
        builder.AddLlmGateway();
        builder.AddEvents();
        builder.AddConnections();
        builder.AddReplicas();
        builder.AddStats();
        builder.AddSeeds();
        builder.AddDocumentation();

        var app = builder.Build();
        app.UseSecurity();
        app.MapDefaultEndpoints();
        app.MapSecurity();
        app.MapEvents();
        app.MapConnections();
        app.MapReplicas();
        app.MapStats();
        app.MapLlmGateway();
        app.MapSeeds();
        app.MapDocumentation();
        return app;
    }
}
