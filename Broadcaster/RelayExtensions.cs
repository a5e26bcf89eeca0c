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
        builder.Services.AddSingleton<OutboxMover>();
        builder.Services.AddSingleton<LeaderWork>();
        builder.Services.AddSingleton<Leadership>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Leadership>());
    }
}
