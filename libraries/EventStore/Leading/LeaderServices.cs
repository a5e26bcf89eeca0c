using Microsoft.Extensions.DependencyInjection;

namespace EventStore;

internal static class LeaderServices
{
    /// <summary>Adds the lease, the outbox and the log's upkeep, once.</summary>
    public static void AddLeading(this IServiceCollection services, string? name)
    {
        services
            .AddOptions<LeaderOptions>()
            .BindConfiguration("AspireSse:Relay")
            .Configure(options => options.Name = name ?? options.Name)
            .ValidateAnnotations()
            .ValidateOnStart();
        if (services.Any(service => service.ServiceType == typeof(Leadership)))
            return;

        services.AddKnownSettings<LeaderOptions>("Relay");
        services.AddSingleton<LeaderMetrics>();
        services.AddSingleton<ILeaderTask, OutboxMover>();
        services.AddSingleton<ILeaderTask, LogUpkeep>();
        services.AddSingleton<Leadership>();
        services.AddHostedService(provider => provider.GetRequiredService<Leadership>());
    }
}
