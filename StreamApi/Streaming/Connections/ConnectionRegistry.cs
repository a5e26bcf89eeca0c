using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;

namespace StreamApi.Streaming.Connections;

/// <summary>The open streams of this replica, and how many there may be.</summary>
internal sealed class ConnectionRegistry(IOptions<StreamingOptions> options, IOptions<StreamPoolOptions> pools)
{
    private readonly StreamPool _sse = new(pools.Value.Sse), _tasks = new(pools.Value.Tasks);
    private readonly ConcurrentDictionary<string, OpenStream> _open = new(StringComparer.Ordinal);
    private int _admitted;

    public int Count => Volatile.Read(ref _admitted);

    public IEnumerable<OpenStream> Open => _open.Values;

    /// <summary>Takes a place, also in the path's pool where it has one; null where all are taken. Dispose it to give it back.</summary>
    public IDisposable? TryEnter(PathString path)
    {
        var pool = path.StartsWithSegments("/sse") ? _sse : path.StartsWithSegments("/events") ? _tasks : null;
        if (pool?.TryTake() == false) return null;
        if (Interlocked.Increment(ref _admitted) <= options.Value.MaxConnections) return new Place(this, pool);
        Interlocked.Decrement(ref _admitted);
        pool?.Give();
        return null;
    }

    public void Add(OpenStream connection) => _open[connection.Id] = connection;

    public bool TryGet(string id, [NotNullWhen(true)] out OpenStream? connection) => _open.TryGetValue(id, out connection);

    public void Remove(OpenStream connection) => _open.TryRemove(connection.Id, out _);

    private sealed class Place(ConnectionRegistry registry, StreamPool? pool) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) != 0) return;
            Interlocked.Decrement(ref registry._admitted);
            pool?.Give();
        }
    }
}
