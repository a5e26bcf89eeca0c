using Streaming.Connections;

namespace Streaming.Opening;

/// <summary>
/// Registers a stream while it is open, in its credential's session too, and logs its end. Ends all at SIGTERM, before
/// Kestrel waits for its connections: each client gets a reconnection time and the end of the body, and resumes on
/// another replica.
/// </summary>
internal sealed class StreamLifetime(
    ConnectionRegistry registry,
    ConnectionLog log,
    IHostApplicationLifetime application
) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        application.ApplicationStopping.Register(() =>
        {
            foreach (var open in registry.Open)
                open.Stop(EndReason.Drained);
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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
