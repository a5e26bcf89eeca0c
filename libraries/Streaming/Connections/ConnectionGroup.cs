namespace Streaming.Connections;

/// <summary>
/// The connections of one filter log that one writer loop serves. Those whose peers take nothing at the moment stand
/// behind the others, so that a round does
/// not even look at them, however many they are. Walk it backwards: what takes the place of one that leaves or rests
/// has had its turn.
/// </summary>
internal sealed class ConnectionGroup
{
    private readonly List<StreamConnection> _all = new(1);

    public int Count => _all.Count;

    /// <summary>Those before this are written to.</summary>
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
