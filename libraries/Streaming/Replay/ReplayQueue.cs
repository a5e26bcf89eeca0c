namespace Streaming.Replay;

/// <summary>Waiting turns, served in rotation over their clients. Not thread-safe.</summary>
internal sealed class ReplayQueue
{
    private readonly Dictionary<string, LinkedListNode<(string Client, LinkedList<ReplayTurn> Turns)>> _clients = new(
        StringComparer.Ordinal
    );
    private readonly LinkedList<(string Client, LinkedList<ReplayTurn> Turns)> _rotation = [];

    public void Add(string client, ReplayTurn turn)
    {
        if (!_clients.TryGetValue(client, out var own))
            _clients[client] = own = _rotation.AddLast((client, new LinkedList<ReplayTurn>()));
        own.Value.Turns.AddLast(turn);
    }

    public void Remove(string client, ReplayTurn turn)
    {
        var own = _clients[client];
        own.Value.Turns.Remove(turn);
        if (own.Value.Turns.Count > 0)
            return;
        _clients.Remove(client);
        _rotation.Remove(own);
    }

    /// <summary>Returns the turn that is due, which stays until it is removed, and puts its client last; null: none
    /// waits.</summary>
    public (ReplayTurn Turn, string Client)? Next()
    {
        if (_rotation.First is not { } first)
            return null;
        _rotation.RemoveFirst();
        _rotation.AddLast(first);
        return (first.Value.Turns.First!.Value, first.Value.Client);
    }
}
