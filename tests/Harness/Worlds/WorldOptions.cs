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
    internal Stores? Servers { get; private set; }
    internal NpgsqlConnectionStringBuilder? Store { get; private set; }
    internal bool AreLinked { get; private set; } = true;
    internal bool IsEachLinked { get; private set; }
    internal Func<string, string> Program { get; private set; } = name => name;
    internal CancellationToken? Stop { get; private set; }
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
    public WorldOptions AsProcesses()
    {
        InProcesses = true;
        return this;
    }

    /// <summary>Gives all services in this process a clock that the test moves.</summary>
    public WorldOptions Clock(MovableClock clock)
    {
        Time = clock;
        return this;
    }

    /// <summary>Uses these stores, instead of those of this process.</summary>
    public WorldOptions On(Stores stores)
    {
        Servers = stores;
        return this;
    }

    /// <summary>Gives each service ways of its own to the stores, instead of one for all.</summary>
    public WorldOptions LinkEach()
    {
        IsEachLinked = true;
        return this;
    }

    /// <summary>Lets the services connect directly: a link's traffic passes through this process.</summary>
    public WorldOptions Unlinked()
    {
        AreLinked = false;
        return this;
    }

    /// <summary>Starts services of another build.</summary>
    /// <param name="pathOf">Returns the dll of a service by its name.</param>
    public WorldOptions Programs(Func<string, string> pathOf)
    {
        Program = pathOf;
        return this;
    }

    /// <summary>Cancels the world's waits; without it the end of the running test does.</summary>
    public WorldOptions Until(CancellationToken stop)
    {
        Stop = stop;
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

    /// <param name="setting">As in appsettings (<c>AspireSse:Streaming:RingEvents</c>), or as an environment
    /// variable.</param>
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
