using Streaming.Connections;

namespace Streaming.Opening;

/// <summary>
/// Registers a stream while it is open: in the registry, in its credential's session, and in the log when it ends.
/// </summary>
internal sealed class StreamLifetime(
    ConnectionRegistry registry,
    ConnectionLog log,
    IHostApplicationLifetime application
)
{
    public void Begin(OpenStream stream)
    {
        registry.Add(stream);
        stream.Session?.Enter(stream);
        // A drain that began earlier has missed this stream.
        if (application.ApplicationStopping.IsCancellationRequested)
            stream.Stop(EndReason.Drained);
    }

    public void End(OpenStream stream)
    {
        registry.Remove(stream);
        stream.Session?.Leave(stream);
        log.Record(stream);
    }
}
