using System.Globalization;
using Npgsql;

namespace Harness.Worlds;

/// <summary>The parts of a world: one replica and one Broadcaster, within the test's process, unless said
/// otherwise.</summary>
internal sealed class WorldOptions
{
    internal int ReplicaCount { get; private set; } = 1;
    internal int BroadcasterCount { get; private set; } = 1;
    internal bool InProcesses { get; private set; }
    internal TimeProvider? Time { get; private set; }
    internal string? Key { get; private set; }
    internal NpgsqlConnectionStringBuilder? Store { get; private set; }
    internal Dictionary<string, string> Settings { get; } = [];

    public WorldOptions Replicas(int count)
    {
        ReplicaCount = count;
        return this;
    }

    public WorldOptions Broadcasters(int count)
    {
        BroadcasterCount = count;
        return this;
    }

    /// <summary>Starts each service as a process of its own, for a test that kills, freezes or measures it.</summary>
    public WorldOptions AsProcesses(bool yes = true)
    {
        InProcesses = yes;
        return this;
    }

    /// <summary>Gives all services in this process a clock that the test moves.</summary>
    public WorldOptions Clock(MovableClock clock)
    {
        Time = clock;
        return this;
    }

    /// <summary>Uses a database that exists, instead of an empty one.</summary>
    public WorldOptions Database(NpgsqlConnectionStringBuilder database)
    {
        Store = database;
        return this;
    }

    /// <summary>The key with which the world asks its replicas how they are.</summary>
    public WorldOptions ApiKey(string? key)
    {
        Key = key;
        return this;
    }

    /// <param name="setting">As in appsettings (<c>Streaming:RingEvents</c>), or as an environment variable.</param>
    /// <param name="value">Replaces an earlier one.</param>
    public WorldOptions Set(string setting, object value)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        Settings[setting.Replace(":", "__", StringComparison.Ordinal)] = value is bool ? text.ToLowerInvariant() : text;
        return this;
    }

    public WorldOptions Set(IEnumerable<KeyValuePair<string, string>> settings)
    {
        foreach (var (setting, value) in settings)
            Set(setting, value);
        return this;
    }
}
