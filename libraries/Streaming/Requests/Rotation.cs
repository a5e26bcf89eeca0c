namespace Streaming.Requests;

/// <summary>Waiting requests, served in rotation over their clients, so that a client with many delays only itself. Not
/// thread-safe.</summary>
internal sealed class Rotation<T>
    where T : class
{
    private readonly Dictionary<string, LinkedListNode<(string Client, LinkedList<T> Waiting)>> _clients = new(
        StringComparer.Ordinal
    );
    private readonly LinkedList<(string Client, LinkedList<T> Waiting)> _rotation = [];

    /// <summary>True if no client waits.</summary>
    public bool IsEmpty => _rotation.Count == 0;

    /// <summary>Number of waiting requests of a client.</summary>
    public int CountOf(string client) => _clients.TryGetValue(client, out var own) ? own.Value.Waiting.Count : 0;

    public void Add(string client, T waiter)
    {
        if (!_clients.TryGetValue(client, out var own))
            _clients[client] = own = _rotation.AddLast((client, new LinkedList<T>()));
        own.Value.Waiting.AddLast(waiter);
    }

    /// <summary>Returns false if the client has no such waiting request.</summary>
    public bool Remove(string client, T waiter)
    {
        if (!_clients.TryGetValue(client, out var own) || !own.Value.Waiting.Remove(waiter))
            return false;
        if (own.Value.Waiting.Count == 0)
        {
            _clients.Remove(client);
            _rotation.Remove(own);
        }
        return true;
    }

    /// <summary>Returns the next request, which stays until it is removed, and puts its client last.</summary>
    /// <param name="isEligible">Returns true for the clients that may be served now; null: all.</param>
    /// <returns>Null if no such client waits.</returns>
    public (T Waiter, string Client)? Next(Func<string, bool>? isEligible = null)
    {
        for (var node = _rotation.First; node is not null; node = node.Next)
        {
            if (isEligible is not null && !isEligible(node.Value.Client))
                continue;
            _rotation.Remove(node);
            _rotation.AddLast(node);
            return (node.Value.Waiting.First!.Value, node.Value.Client);
        }
        return null;
    }
}
