using StreamApi.Connections;
using StreamApi.Events;
using StreamApi.Memory;
using StreamApi.OpenApi;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Seeds;
using StreamApi.Seeds.Agents;
using StreamApi.Stats;

namespace StreamApi;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class StreamApiApplication
{
    /// <param name="args">The command line.</param>
    /// <param name="replace">Replaces services before the start: a clock that a test moves, or constants.</param>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.ReadOldNames(StreamApiOptions.OldNames);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddServiceDefaults();
        builder.AddEventStore();
        builder.AddSecurity();
        builder.AddStreaming(ReplicaName.Get("streamapi", builder.Configuration));
        builder.AddLlmGateway(agents => agents.AddTool(Calculator.Tool));
        builder.AddShutdownTime();
        builder.AddEvents();
        builder.AddConnections();
        builder.AddReplicas();
        builder.AddStats();
        builder.Services.AddHostedService<HeapCompactor>();
        builder.AddSeeds();
        builder.AddDocumentation();
        builder.CheckOptionKeys(StreamApiOptions.Sections(builder.Services));

        replace?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseSecurity();
        app.MapDefaultEndpoints();

        var endpoints = app.MapGroup("").RefusesCrossSite();
        endpoints.MapSecurity();
        endpoints.MapEvents();
        endpoints.MapConnections();
        endpoints.MapReplicas();
        endpoints.MapStats();
        endpoints.MapLlmGateway();
        endpoints.MapSeeds();
        app.MapDocumentation();

        return app;
    }
}
