using LlmGateway;
using LlmGateway.Providers;
using LlmGateway.Providers.Keyed;

namespace AspireSse.Server;

/// <summary>Tells which settings the gateway reads.</summary>
/// <remarks>Needed only by a host that refuses settings which nobody reads.</remarks>
public static class GatewaySettingsExtensions
{
    /// <summary>Returns the sections of the gateway's settings, each with the type that it is read as: also those of
    /// the chat clients with a key, which are providers. For a host that refuses settings which nobody
    /// reads.</summary>
    public static IEnumerable<KeyValuePair<string, Type>> GatewaySettings(this IServiceCollection services) =>
        KeyedProviders
            .Keys(services)
            .Select(key => KeyValuePair.Create($"{LlmGatewayExtensions.Section}:Providers:{key}", typeof(ProviderOptions)))
            .Prepend(KeyValuePair.Create(LlmGatewayExtensions.Section, typeof(LlmOptions)));
}
