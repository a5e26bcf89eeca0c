namespace Streaming.Connections;

/// <summary>
/// The connections of one filter log and one writer loop. Parked ones, whose peers do not read, stand behind the others
/// so that a round skips them; iterate backwards, because removing or parking moves others.
/// </summary>
internal sealed class ConnectionGroup
{
    private readonly List<StreamConnection> _all = new(1);

    public int Count => _all.Count;

    /// <summary>Number of connections that are not parked; they stand first.</summary>
    public int Ready { get; private set; }

    public StreamConnection this[int index] => _all[index];

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
        (_all[connection.GroupIndex], other.GroupIndex) = (other, connection.GroupIndex);
        (_all[index], connection.GroupIndex) = (connection, index);
    }
}
