using Streaming.Requests;

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
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private readonly Rotation<TaskCompletionSource> _rotation = new();
    private readonly int _share = ShareOf(places, clientPercent),
        _queueShare = ShareOf(queue, clientPercent);
    private int _free = places,
        _waiting;

    /// <summary>Takes a place, now or later. Return it with <see cref="Leave"/>.</summary>
    /// <returns>The place, granted now or later; null: the queue is full, or the client's share of it.</returns>
    public TaskCompletionSource? Enter(string client)
    {
        lock (_gate)
        {
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var mine = _rotation.CountOf(client);
            // Earlier requests of other clients wait only if their shares are used up.
            if (mine == 0 && MayTake(client))
            {
                Grant(client, waiter);
                return waiter;
            }
            if (_waiting >= queue || mine >= _queueShare)
                return null;
            _rotation.Add(client, waiter);
            _waiting++;
            return waiter;
        }
    }

    /// <summary>
    /// Withdraws a request that has stopped waiting, or returns its place if it was granted meanwhile.
    /// </summary>
    public void Withdraw(string client, TaskCompletionSource place)
    {
        lock (_gate)
            if (_rotation.Remove(client, place))
            {
                _waiting--;
                return;
            }
        Leave(client);
    }

    /// <summary>Returns a place.</summary>
    public void Leave(string client)
    {
        lock (_gate)
        {
            if (--_held[client] == 0)
                _held.Remove(client);
            _free++;
            while (_rotation.Next(MayTake) is var (next, owner))
            {
                _rotation.Remove(owner, next);
                _waiting--;
                Grant(owner, next);
            }
        }
    }

    private bool MayTake(string client)
    {
        var held = _held.GetValueOrDefault(client);
        return _free > 0 && (held == 0 || clientPercent == 100 || (held < _share && held < _free));
    }

    private void Grant(string client, TaskCompletionSource waiter)
    {
        _held[client] = _held.GetValueOrDefault(client) + 1;
        _free--;
        waiter.SetResult();
    }

    private static int ShareOf(int all, int percent) => (int)Math.Max(1, (long)all * percent / 100);
}
