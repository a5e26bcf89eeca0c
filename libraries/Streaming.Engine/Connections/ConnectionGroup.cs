namespace Streaming.Connections;

/// <summary>Connections of one filter ring and one writer loop. A pass visits each connection that was ready when the
/// pass began, and skips the parked ones, which are last; a connection that changes meanwhile may wait for the next
/// pass.</summary>
internal sealed class ConnectionGroup
{
    private readonly List<StreamConnection> _all = new(1);

    public int Count => _all.Count;

    /// <summary>Number of connections that are not parked; they are first.</summary>
    public int Ready { get; private set; }

    /// <summary>Upper bound of the connections that the current pass has not visited; they are first.</summary>
    public int Left { get; private set; }

    public StreamConnection this[int index] => _all[index];

    public void BeginPass() => Left = Ready;

    /// <summary>Returns the next connection, or null at the end. The order is backwards, because parking and removal
    /// move only connections that were visited.</summary>
    public StreamConnection? TakeNext()
    {
        Left = Math.Min(Left, Ready);
        return Left == 0 ? null : _all[--Left];
    }

    public void Add(StreamConnection connection)
    {
        connection.GroupIndex = _all.Count;
        _all.Add(connection);
        Resume(connection);
    }

    public void Park(StreamConnection connection)
    {
        if (connection.GroupIndex < Ready)
            Swap(connection, --Ready);
    }

    public void Resume(StreamConnection connection)
    {
        if (connection.GroupIndex >= Ready)
            Swap(connection, Ready++);
    }

    public void Remove(StreamConnection connection)
    {
        Park(connection);
        Swap(connection, _all.Count - 1);
        _all.RemoveAt(_all.Count - 1);
        connection.GroupIndex = -1;
    }

    private void Swap(StreamConnection connection, int index)
    {
        var other = _all[index];
        other.GroupIndex = connection.GroupIndex;
        _all[other.GroupIndex] = other;
        connection.GroupIndex = index;
        _all[index] = connection;
    }
}
