using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;

namespace StreamApi.Streaming.Connections;

/// <summary>The open streams of this replica, and how many there may be.</summary>
internal sealed class ConnectionRegistry(IOptions<StreamingOptions> options)
{
    private readonly ConcurrentDictionary<string, OpenStream> _open = new(StringComparer.Ordinal);
    private int _admitted;

    public int Count => Volatile.Read(ref _admitted);

    public IEnumerable<OpenStream> Open => _open.Values;

    /// <summary>Takes a place; false where all are taken. Give it back with <see cref="Leave"/>.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _admitted) <= options.Value.MaxConnections) return true;
        Interlocked.Decrement(ref _admitted);
        return false;
    }

    public void Add(OpenStream connection) => _open[connection.Id] = connection;

    public bool TryGet(string id, [NotNullWhen(true)] out OpenStream? connection) => _open.TryGetValue(id, out connection);

    public void Remove(OpenStream connection) => _open.TryRemove(connection.Id, out _);

    public void Leave() => Interlocked.Decrement(ref _admitted);
}
