using EventStore;

namespace Broadcaster;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class BroadcasterApplication
{
    /// <param name="replace">Replaces services before the start: a clock that a test moves, or constants.</param>
    public static WebApplication Build(string[] args, Action<IServiceCollection>? replace = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.ReadOldNames(BroadcasterOptions.OldNames);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddServiceDefaults();
        builder.AddEventStore();
        builder.Services.AddHostedService<StoreUsageWatch>();
        builder.AddSseBroadcaster(name: ReplicaName.Get("broadcaster", builder.Configuration));
        builder.CheckOptionKeys(BroadcasterOptions.Sections);

        replace?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapStatus();

        return app;
    }
}
