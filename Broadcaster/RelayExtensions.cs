namespace Broadcaster;

internal static class RelayExtensions
{
    public static void AddRelay(this IHostApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<RelayOptions>()
            .BindConfiguration("Relay")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<RelayMetrics>();
        builder.Services.AddSingleton<RedisPublisher>();
        builder.Services.AddSingleton<Relay>();
        builder.Services.AddSingleton<Leadership>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Leadership>());
    }

    /// <summary>Maps <c>/status</c>: the leader and the progress of
    /// the relay, which a dashboard reads from each replica.</summary>
    public static void MapRelayStatus(this WebApplication app)
    {
        app.MapGet("/", () => TypedResults.Redirect("/status")); // the dashboard's link
        app.MapGet(
            "/status",
            (Leadership leadership, Relay relay) =>
                TypedResults.Ok(
                    new RelayStatus(
                        leadership.Name,
                        leadership.Fence is not null,
                        leadership.Fence,
                        relay.Relayed,
                        relay.Lag
                    )
                )
        );
    }
}

internal sealed record RelayStatus(string Name, bool Leader, long? Fence, long Relayed, long Lag);
