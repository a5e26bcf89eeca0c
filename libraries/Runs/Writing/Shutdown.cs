using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>The order in which this process shuts down its runs: they have a grace, then time to store their end, and
/// the lease is released last. Thread-safe.</summary>
internal sealed class Shutdown : IDisposable
{
    /// <summary>Time for stopped runs to store their end.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(2);

    private readonly CancellationToken _begun;
    private readonly CancellationTokenSource _graceOver;
    private readonly CancellationTokenRegistration _beginning;
    private volatile bool _isStopped;

    public Shutdown(
        IOptions<RunOptions> options,
        IOptions<HostOptions> host,
        IHostApplicationLifetime lifetime,
        TimeProvider clock
    )
    {
        _begun = lifetime.ApplicationStopping;
        _graceOver = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        GraceExpired = _graceOver.Token;

        // The grace begins with the shutdown, not with StopAsync of a service, which open requests may delay by the
        // whole grace.
        var grace = Grace(TimeSpan.FromSeconds(options.Value.DrainSeconds), host.Value.ShutdownTimeout);
        _beginning = _begun.Register(() => _graceOver.CancelAfter(grace));
    }

    /// <summary>True once the shutdown begins. This replica then leaves runs without a writer to the other replicas,
    /// which continue their sessions.</summary>
    public bool IsLeaving => _begun.IsCancellationRequested;

    /// <summary>Cancelled at the end of the grace, when all work must stop.</summary>
    public CancellationToken GraceExpired { get; }

    /// <summary>True once this replica releases its lease, and writes no run any more.</summary>
    public bool IsStopped => _isStopped;

    public void Stop() => _isStopped = true;

    public void Dispose()
    {
        _beginning.Dispose();
        _graceOver.Dispose();
    }

    /// <summary>Returns the time that runs may go on: the wanted time, but at most until <see cref="EndTime"/> before
    /// the host stops waiting.</summary>
    private static TimeSpan Grace(TimeSpan wanted, TimeSpan shutdown)
    {
        if (shutdown == Timeout.InfiniteTimeSpan || wanted + EndTime <= shutdown)
            return wanted;

        return shutdown > EndTime ? shutdown - EndTime : TimeSpan.Zero;
    }
}
