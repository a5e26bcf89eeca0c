using System.Diagnostics.CodeAnalysis;
using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>The connections of one writer loop by filter log. Used by the loop's thread.</summary>
internal sealed class LoopConnections(int loop)
{
    private readonly Dictionary<FilterRing, ConnectionGroup> _groups = [];

    public KeyValuePair<FilterRing, ConnectionGroup>[] All => [.. _groups];

    public bool TryGet(FilterRing log, [NotNullWhen(true)] out ConnectionGroup? group) =>
        _groups.TryGetValue(log, out group);

    public void Add(StreamConnection c)
    {
        if (!_groups.TryGetValue(c.Log, out var group))
            _groups.Add(c.Log, group = new ConnectionGroup());
        group.Add(c);
        // A full fence: the feed must see this connection before the loop looks at the log.
        Interlocked.Increment(ref c.Log.Loops[loop].Users);
    }

    public void Resume(StreamConnection c) => _groups[c.Log].Resume(c);

    public void Remove(StreamConnection c)
    {
        if (c.GroupIndex < 0)
            return;
        var group = _groups[c.Log];
        group.Remove(c);
        if (group.Count == 0)
            _groups.Remove(c.Log);
        Interlocked.Decrement(ref c.Log.Loops[loop].Users);
    }
}
