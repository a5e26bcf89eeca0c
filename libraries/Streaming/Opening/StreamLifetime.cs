using Streaming.Connections;

namespace Streaming.Opening;

/// <summary>Registers open streams, in their credential's session too. Ends all at SIGTERM, before Kestrel waits for
/// its connections, so that clients resume on another replica.</summary>
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
