using System.Globalization;

namespace EventStore;

/// <summary>Names of the relay's Redis channels below <see cref="EventStoreOptions.Channel"/>, which is itself the
/// channel of the heartbeat.</summary>
public static class RelayChannels
{
    /// <summary>Channel of the page indexes, and of the heartbeat in their order.</summary>
    public static string Pages(string channel) => channel + ":pages";

    /// <summary>Channel of a slot's bodies.</summary>
    public static string Slot(string channel, int slot) =>
        string.Create(CultureInfo.InvariantCulture, $"{channel}:{slot}");
}
