using System.Diagnostics.Metrics;
using LlmGateway.Providers.Keyed;
using LlmGateway.Telemetry;
using Microsoft.Extensions.Options;

namespace LlmGateway.Providers;

internal static class ProvidersExtensions
{
    /// <summary>Adds the model providers, their metrics, and the defaults and checks of their options.</summary>
    public static void AddProviders(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IPostConfigureOptions<LlmOptions>, ProviderDefaults>();
        builder.Services.AddSingleton(services => new ChatMetrics(services.GetRequiredService<IMeterFactory>())
        {
            CapturesMessages = MessageContent.IsWanted(builder.Environment, builder.Configuration),
        });
        builder.Services.AddSingleton(services =>
            ActivatorUtilities.CreateInstance<KeyedProviders>(services, builder.Services)
        );
        builder.Services.AddSingleton<ChatProviders>();
    }
}
