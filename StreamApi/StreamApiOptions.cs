using ServiceDefaults.OptionKeys;
using StreamApi.Events;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Security.Limits;
using StreamApi.Seeds.Traffic;

namespace StreamApi;

/// <summary>The settings that this service reads.</summary>
internal static class StreamApiOptions
{
    /// <param name="services">The registrations; a chat client that a host adds is a provider with options.</param>
    public static IEnumerable<OptionSection> Sections(IServiceCollection services) =>
        Own.Concat(services.GatewaySettings().Select(section => new OptionSection(section.Key, section.Value)));

    /// <summary>Names of the version before; remove them with the next one.</summary>
    public static readonly IReadOnlyDictionary<string, string> OldNames = new Dictionary<string, string>
    {
        ["EventStore"] = "AspireSse:EventStore",
        ["Limits:GenerationsPerMinute"] = "AspireSse:Llm:GenerationsPerMinute",
        ["Llm"] = "AspireSse:Llm",
        ["Llm:DrainSeconds"] = "AspireSse:Runs:DrainSeconds",
        ["Pools"] = "AspireSse:Pools",
        ["Runs"] = "AspireSse:Runs",
        ["Streaming"] = "AspireSse:Streaming",
    };

    private static readonly OptionSection[] Own =
    [
        new("Cors:AllowedOrigins", typeof(string[])),
        new("AspireSse:EventStore", typeof(EventStoreOptions)),
        new("Events", typeof(EventsOptions)),
        new("Limits", typeof(LimitOptions)),
        new("AspireSse:Pools:Sse", typeof(int)),
        new("AspireSse:Pools:Tasks", typeof(int)),
        new("Replicas", typeof(ReplicaOptions)),
        new("AspireSse:Runs", typeof(RunOptions)),
        new("Security", typeof(SecurityOptions)),
        new("AspireSse:Streaming", typeof(SseOptions)),
        new("Traffic", typeof(TrafficOptions)),
    ];
}
