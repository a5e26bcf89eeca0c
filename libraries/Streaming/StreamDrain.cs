using Streaming.Connections;

namespace Streaming;

/// <summary>Ends every stream when the server stops, before Kestrel waits for its connections.</summary>
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
