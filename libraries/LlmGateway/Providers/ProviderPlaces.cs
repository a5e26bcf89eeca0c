namespace LlmGateway.Providers;

/// <summary>
/// The places of one provider. A client takes another place only within its share, and while more are free than it
/// holds; free places go to the waiting clients in rotation. Thread-safe.
/// </summary>
/// <param name="places">Number of places.</param>
/// <param name="queue">Maximum waiting requests.</param>
/// <param name="clientPercent">Percent of the places, and of the queue, that one client may use; 100: all.</param>
internal sealed class ProviderPlaces(int places, int queue, int clientPercent)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Client> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<Client> _rotation = [];
    private readonly int _share = ShareOf(places, clientPercent),
        _queueShare = ShareOf(queue, clientPercent);
    private int _free = places,
        _waiting;

    /// <summary>Takes a place, now or later. Return it with <see cref="Leave"/>.</summary>
    /// <returns>A task that completes with the place; null: the queue is full, or the client's share of it.</returns>
    public Task? Enter(string client)
    {
        lock (_gate)
        {
            if (!_clients.TryGetValue(client, out var mine))
                _clients[client] = mine = new Client(client);
            // Earlier requests of other clients wait only if their shares are used up.
            if (mine.Waiting.Count == 0 && MayTake(mine))
            {
                Take(mine);
                return Task.CompletedTask;
            }
            if (_waiting >= queue || mine.Waiting.Count >= _queueShare)
            {
                Forget(mine);
                return null;
            }
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (mine.Waiting.Count == 0)
                _rotation.AddLast(mine);
            mine.Waiting.AddLast(waiter);
            _waiting++;
            return waiter.Task;
        }
    }

    /// <summary>
    /// Withdraws a request that has stopped waiting, or returns its place if it was granted meanwhile.
    /// </summary>
    public void Withdraw(string client, Task place)
    {
        lock (_gate)
        {
            var mine = _clients[client];
            for (var node = mine.Waiting.First; node is not null; node = node.Next)
                if (node.Value.Task == place)
                {
                    mine.Waiting.Remove(node);
                    _waiting--;
                    if (mine.Waiting.Count == 0)
                        _rotation.Remove(mine);
                    Forget(mine);
                    return;
                }
        }
        Leave(client);
    }

    /// <summary>Returns a place.</summary>
    public void Leave(string client)
    {
        lock (_gate)
        {
            var mine = _clients[client];
            mine.Held--;
            _free++;
            Forget(mine);
            while (TryGrant()) { }
        }
    }

    private bool TryGrant()
    {
        for (var node = _rotation.First; node is not null; node = node.Next)
        {
            var next = node.Value;
            if (!MayTake(next))
                continue;
            Take(next);
            next.Waiting.First!.Value.SetResult();
            next.Waiting.RemoveFirst();
            _waiting--;
            _rotation.Remove(node);
            if (next.Waiting.Count > 0)
                _rotation.AddLast(next);
            return true;
        }
        return false;
    }

    private bool MayTake(Client client) =>
        _free > 0 && (client.Held == 0 || clientPercent == 100 || (client.Held < _share && client.Held < _free));

    private void Take(Client client)
    {
        client.Held++;
        _free--;
    }

    private void Forget(Client client)
    {
        if (client is { Held: 0, Waiting.Count: 0 })
            _clients.Remove(client.Key);
    }

    private static int ShareOf(int all, int percent) => (int)Math.Max(1, (long)all * percent / 100);

    private sealed class Client(string key)
    {
        public string Key => key;
        public int Held { get; set; }
        public LinkedList<TaskCompletionSource> Waiting { get; } = [];
    }
}
