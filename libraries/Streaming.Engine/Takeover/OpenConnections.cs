namespace Streaming.Takeover;

/// <summary>Counts the server's connections, including the detached ones, which Kestrel forgets: they count against
/// Kestrel's limit, and the application stops when they have ended.</summary>
internal sealed class OpenConnections(TimeProvider clock) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private long _served;
    private long _detached;

    /// <summary>Counts a connection until <see cref="Remove"/>; returns false if there are too many.</summary>
    public bool TryAdd(long? most)
    {
        if (Interlocked.Increment(ref _served) + Interlocked.Read(ref _detached) <= (most ?? long.MaxValue))
            return true;

        Remove();
        return false;
    }

    public void Remove() => Interlocked.Decrement(ref _served);

    public void Detached() => Interlocked.Increment(ref _detached);

    public void Closed() => Interlocked.Decrement(ref _detached);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for the last frames of the streams, as Kestrel does for its connections.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        while (Interlocked.Read(ref _detached) > 0 && !cancellationToken.IsCancellationRequested)
            await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
