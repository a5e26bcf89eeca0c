using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using EventStore;

namespace Streaming.Connections;

/// <summary>Registers the open streams of this replica, also in their sessions. Ends all of them at SIGTERM, before
/// Kestrel waits for its connections, so that clients resume on another replica.</summary>
internal sealed class ConnectionRegistry
{
    private readonly ConcurrentDictionary<string, OpenStream> _open = new(StringComparer.Ordinal);
    private readonly StreamEndLogger _log;
    private readonly CancellationToken _stopping;
    private long _opened;

    public ConnectionRegistry(StreamEndLogger log, IHostApplicationLifetime application)
    {
        _log = log;
        _stopping = application.ApplicationStopping;

        using var apart = CallerContext.Suppress();
        _stopping.Register(() =>
        {
            foreach (var stream in Open)
                stream.RequestEnd(EndReason.Drained);
        });
    }

    /// <summary>Number of streams opened since the start.</summary>
    public long Opened => Interlocked.Read(ref _opened);

    /// <summary>The open streams. They are read every second, so without a lock: a stream that opens or ends meanwhile
    /// may be missing.</summary>
    public IEnumerable<OpenStream> Open => _open.Select(static stream => stream.Value).Where(IsOpen);

    public bool TryGet(string id, [NotNullWhen(true)] out OpenStream? stream) =>
        _open.TryGetValue(id, out stream) && IsOpen(stream);

    public void Add(OpenStream stream)
    {
        Interlocked.Increment(ref _opened);
        _open[stream.Id] = stream;
        stream.Session?.Enter(stream);

        // A drain that began earlier has missed this stream.
        if (_stopping.IsCancellationRequested)
            stream.RequestEnd(EndReason.Drained);
    }

    public void Remove(OpenStream stream)
    {
        _open.TryRemove(stream.Id, out _);
        stream.Session?.Leave(stream);
        _log.Record(stream);
    }

    /// <summary>Reports a stream that has failed after its request had ended, before it was open.</summary>
    public void ReportUnopened(StreamClient client, Exception why) => _log.RecordUnopened(client, why);

    /// <summary>Returns false for a stream that has sent its end, and is removed in a moment.</summary>
    private static bool IsOpen(OpenStream stream) => !stream.HasEnded;
}
