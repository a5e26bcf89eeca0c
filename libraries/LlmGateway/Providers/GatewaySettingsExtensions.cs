using LlmGateway;
using LlmGateway.Providers.Keyed;

namespace AspireSse.Server;

/// <summary>Tells which settings the gateway reads.</summary>
/// <remarks>Needed only by a host that refuses settings which nobody reads.</remarks>
public static class GatewaySettingsExtensions
{
    /// <summary>Returns the sections of the gateway's settings, each with its options type, including the sections of
    /// keyed chat clients, which are providers.</summary>
    public static IEnumerable<KeyValuePair<string, Type>> GatewaySettings(this IServiceCollection services) =>
        KeyedProviders
            .Keys(services)
            .Select(key => KeyValuePair.Create(ModelProvider.SectionOf(key), typeof(ProviderOptions)))
            .Prepend(KeyValuePair.Create(LlmOptions.Section, typeof(LlmOptions)));
}
