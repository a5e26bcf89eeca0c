using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Streaming.Connections;

internal sealed class ConnectionRegistry
{
    private readonly ConcurrentDictionary<string, OpenStream> _open = new(StringComparer.Ordinal);
    private long _opened;

    /// <summary>Number of streams opened since the start.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    /// <summary>The open streams, read every second, so without a lock: one that changes may be missing.</summary>
    public IEnumerable<OpenStream> Open => _open.Select(static stream => stream.Value).Where(IsOpen);

    public void Add(OpenStream connection)
    {
        Interlocked.Increment(ref _opened);
        _open[connection.Id] = connection;
    }

    public bool TryGet(string id, [NotNullWhen(true)] out OpenStream? connection) =>
        _open.TryGetValue(id, out connection) && IsOpen(connection);

    public void Remove(OpenStream connection) => _open.TryRemove(connection.Id, out _);

    /// <summary>Returns false for a stream that has sent its end, and is removed in a moment.</summary>
    private static bool IsOpen(OpenStream connection) => connection.End is null;
}
