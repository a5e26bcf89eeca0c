using EventStore;
using ServiceDefaults.OptionKeys;

namespace Broadcaster;

/// <summary>The settings that this service reads.</summary>
internal static class BroadcasterOptions
{
    /// <summary>Names of the version before; remove them with the next one.</summary>
    public static readonly IReadOnlyDictionary<string, string> OldNames = new Dictionary<string, string>
    {
        ["EventStore"] = "AspireSse:EventStore",
        ["Relay"] = "AspireSse:Relay",
    };

    public static readonly OptionSection[] Sections =
    [
        new("AspireSse:EventStore", typeof(EventStoreOptions)),
        new("AspireSse:Relay", typeof(LeaderOptions)),
    ];
}
