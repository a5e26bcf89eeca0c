using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>Adds what bounds the costs of one client.</summary>
internal static class LimitsExtensions
{
    public static void AddLimits(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services
            .AddOptions<LimitOptions>()
            .BindConfiguration("Limits")
            .ValidateDataAnnotations()
            .PostConfigure<IHostEnvironment>((o, e) => o.Complete(e.IsDevelopment()))
            .ValidateOnStart();
        services.AddSingleton<EnvironmentLimits>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddSingleton<IPostConfigureOptions<SseOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddSingleton<IConfigureOptions<AdmissionOptions>>(s => s.GetRequiredService<EnvironmentLimits>());

        services.AddSingleton<SharedCounts>();
        services.AddSingleton<RequestRates>();
        services.AddSingleton<RequestAdmission>();

        services.AddSingleton(s =>
            ActivatorUtilities.CreateInstance<ConnectionRateLimit>(s, DescriptorLimit.MaxWaiting)
        );
        services.AddSingleton<AddressConnections>();
        services.AddSingleton<IConnectionListenerFactory, RateLimitedListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, DescriptorLimit>();
    }
}
