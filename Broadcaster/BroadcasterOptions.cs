using EventStore;
using ServiceDefaults.OptionKeys;

namespace Broadcaster;

/// <summary>The settings that this service reads.</summary>
internal static class BroadcasterOptions
{
    public static readonly OptionSection[] Sections =
    [
        new("EventStore", typeof(EventStoreOptions)),
        new("Relay", typeof(LeaderOptions)),
    ];
}
