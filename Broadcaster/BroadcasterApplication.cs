namespace Broadcaster;

/// <summary>The service as the program runs it; tests start it within their own process.</summary>
internal static class BroadcasterApplication
{
    public static WebApplication Build(string[] args)
    {
        var builder = WebApplication.CreateBuilder(args);
        builder.AddServiceDefaults();
        builder.AddEventStore();
        builder.AddStoreUsage();
        builder.AddRelayRedis();
        builder.AddRelay();

        var app = builder.Build();
        app.MapDefaultEndpoints();
        app.MapStatus();
        return app;
    }
}
