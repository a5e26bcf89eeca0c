namespace Broadcaster;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class BroadcasterApplication
{
    /// <param name="clock">A clock that a test moves; null: the machine's.</param>
    public static WebApplication Build(string[] args, TimeProvider? clock = null)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.Services.AddSingleton(clock ?? TimeProvider.System);
        builder.AddServiceDefaults();
        builder.AddEventStore();
        builder.AddStoreUsage();
        builder.AddSseBroadcaster(name: ReplicaName.Get("broadcaster", builder.Configuration));
        builder.CheckOptionKeys(BroadcasterOptions.Sections);

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapStatus();
        return app;
    }
}
