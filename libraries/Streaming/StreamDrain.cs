using Streaming.Connections;

namespace Streaming;

/// <summary>
/// Ends every stream at SIGTERM, before Kestrel waits for its connections. The client gets a reconnection time
/// (<c>retry:</c>) and the end of the body, and resumes on another replica.
/// </summary>
internal sealed class StreamDrain(ConnectionRegistry registry, IHostApplicationLifetime lifetime) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() =>
        {
            foreach (var open in registry.Open)
                open.Stop(EndReason.Drained);
        });
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
