using EventStore;
using LlmGateway;
using LlmGateway.Providers;
using LlmGateway.Providers.Keyed;
using Runs;
using ServiceDefaults.OptionKeys;
using StreamApi.Events;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Security.Limits;
using StreamApi.Seeds.Traffic;
using Streaming;

namespace StreamApi;

/// <summary>The settings that this service reads.</summary>
internal static class StreamApiOptions
{
    /// <param name="services">The registrations; a chat client that a host adds is a provider with options.</param>
    public static IEnumerable<OptionSection> Sections(IServiceCollection services) =>
        Own.Concat(
            KeyedProviders
                .Keys(services)
                .Select(key => new OptionSection($"Llm:Providers:{key}", typeof(ProviderOptions)))
        );

    private static readonly OptionSection[] Own =
    [
        new("Cors:AllowedOrigins", typeof(string[])),
        new("EventStore", typeof(EventStoreOptions)),
        new("Events", typeof(EventsOptions)),
        new("Limits", typeof(LimitOptions)),
        new("Limits", typeof(GenerationLimit)),
        new("Llm", typeof(LlmOptions)),
        new("Llm:DrainSeconds", typeof(int)), // the contract's name of Runs:DrainSeconds
        new("Pools:Sse", typeof(int)),
        new("Pools:Tasks", typeof(int)),
        new("Replicas", typeof(ReplicaOptions)),
        new("Runs", typeof(RunOptions)),
        new("Security", typeof(SecurityOptions)),
        new("Streaming", typeof(StreamingOptions)),
        new("Traffic", typeof(TrafficOptions)),
    ];
}
