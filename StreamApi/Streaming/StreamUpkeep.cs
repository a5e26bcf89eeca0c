using StreamApi.Streaming.Connections;
using StreamApi.Streaming.Fanout;

namespace StreamApi.Streaming;

/// <summary>Sweeps idle filter logs; ends every stream when the server stops, before Kestrel waits for them.</summary>
internal sealed class StreamUpkeep(FilterLogs logs, ConnectionRegistry registry, IHostApplicationLifetime lifetime, TimeProvider clock) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var drain = lifetime.ApplicationStopping.Register(() => { foreach (var open in registry.Open) open.Stop(EndReason.Drained); });
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(5), clock);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(t => t.IsCompletedSuccessfully && t.Result, TaskScheduler.Default)) logs.Sweep();
    }
}
