using System.Collections.Concurrent;

namespace Streaming.Admission;

/// <summary>Counts something of each client; clients without any are forgotten. Thread-safe.</summary>
internal sealed class CountsByKey<TClient>(IEqualityComparer<TClient>? comparer = null)
    where TClient : notnull
{
    private readonly ConcurrentDictionary<TClient, int> _counts = new(comparer);

    public int Clients => _counts.Count;

    /// <summary>Adds one to the client's count, and returns the count.</summary>
    public int Add(TClient client) => _counts.AddOrUpdate(client, 1, static (_, n) => n + 1);

    public void Remove(TClient client)
    {
        if (_counts.AddOrUpdate(client, 0, static (_, n) => n - 1) == 0)
            _counts.TryRemove(new KeyValuePair<TClient, int>(client, 0));
    }
}
