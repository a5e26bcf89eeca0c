using System.Diagnostics.CodeAnalysis;
using Streaming.Fanout;

namespace Streaming.Connections;

/// <summary>The connections of one writer loop by filter ring. Used by the loop's thread.</summary>
internal sealed class LoopConnections(int loop)
{
    private readonly Dictionary<FilterRing, ConnectionGroup> _groups = [];

    public KeyValuePair<FilterRing, ConnectionGroup>[] All => [.. _groups];

    public bool TryGet(FilterRing ring, [NotNullWhen(true)] out ConnectionGroup? group) =>
        _groups.TryGetValue(ring, out group);

    public void Add(StreamConnection connection)
    {
        if (!_groups.TryGetValue(connection.Ring, out var group))
            _groups.Add(connection.Ring, group = new ConnectionGroup());
        group.Add(connection);
        // A full fence: the feed must see this connection before the loop looks at the ring.
        Interlocked.Increment(ref connection.Ring.Loops[loop].Users);
    }

    public void Resume(StreamConnection connection) => _groups[connection.Ring].Resume(connection);

    public void Remove(StreamConnection connection)
    {
        if (connection.GroupIndex < 0)
            return;

        var group = _groups[connection.Ring];
        group.Remove(connection);

        if (group.Count == 0)
            _groups.Remove(connection.Ring);

        Interlocked.Decrement(ref connection.Ring.Loops[loop].Users);
    }
}
