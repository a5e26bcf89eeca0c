using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Lets one process do the <see cref="ILeaderTask"/>s, by a lease. A leader that cannot renew the lease in
/// time stops by its own clock.</summary>
internal sealed class Leadership(
    LeaderLease lease,
    IEnumerable<ILeaderTask> tasks,
    LeaderMetrics metrics,
    IOptions<LeaderOptions> options,
    TimeProvider clock,
    ILogger<Leadership> logger
) : RestartingService(logger, clock)
{
    public const string Lease = "broadcaster";

    private readonly TimeSpan _ttl = TimeSpan.FromMilliseconds(options.Value.LeaseMilliseconds);
    private readonly TimeSpan _renew = TimeSpan.FromMilliseconds(options.Value.RenewMilliseconds);

    // Two containers may share a host name and a process id, and all replicas may share a configured name.
    private readonly string _holder = $"{options.Value.Name}-{Guid.NewGuid():N}";
    private long _heldUntil;

    public string Name => options.Value.Name;

    /// <summary>The fencing number while this replica leads, or null while it does not.</summary>
    public long? Fence { get; private set; }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await TryHoldAsync(stoppingToken) is { } fence)
                await LeadAsync(fence, stoppingToken);
            await Task.Delay(_renew, Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Does the work of a term until it is over, a part fails, or it is cancelled.</summary>
    public async Task WorkAsync(Term term, CancellationToken stopped)
    {
        try
        {
            // The parts end together: a leader that sends heartbeats but no longer tails would keep every reader
            // waiting.
            await TogetherAsync(
                stopped,
                [.. tasks.Select<ILeaderTask, Func<CancellationToken, Task>>(task => stop => task.RunAsync(term, stop))]
            );
        }
        catch (OperationCanceledException) when (!stopped.IsCancellationRequested) { }
    }

    private async Task LeadAsync(long fence, CancellationToken stoppingToken)
    {
        Logger.LogInformation("{Replica} is the leader (fence {Fence})", Name, fence);
        Fence = fence;
        metrics.Leads(true);

        using var deposed = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var term = new Term(fence, () => Clock.GetTimestamp() < Volatile.Read(ref _heldUntil));
        var working = WorkAsync(term, deposed.Token);
        try
        {
            while (!working.IsCompleted && await RenewAsync()) { }
        }
        finally
        {
            // Only a failure before the end is news: after it, what the parts used may already be disposed.
            var failure = stoppingToken.IsCancellationRequested ? null : working.Exception?.InnerException;
            var failed = failure is not null and not StoreUnavailableException;
            if (failed)
                Logger.LogError(failure, "The leader's work failed, and another replica may lead");
            else if (failure is not null)
                Logger.LogWarning(
                    "The leader's work stops because the store is unavailable: {Reason}",
                    failure.Message
                );

            await deposed.CancelAsync();
            await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

            Fence = null;
            metrics.Leads(false);
            Logger.LogInformation("{Replica} is no longer the leader (fence {Fence})", Name, fence);

            if (failed || stoppingToken.IsCancellationRequested)
                await ReleaseAsync(fence);
        }

        async Task<bool> RenewAsync()
        {
            await Task.Delay(_renew, Clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
                return false;
            if (await TryHoldAsync(stoppingToken) is { } held)
                return held == fence;
            return Clock.GetTimestamp() < Volatile.Read(ref _heldUntil);
        }
    }

    private async Task<long?> TryHoldAsync(CancellationToken cancellationToken)
    {
        // The time is read before the request: Postgres starts the lease later, so this replica's clock ends it first.
        var asked = Clock.GetTimestamp();
        try
        {
            var fence = await lease
                .HoldAsync(Lease, _holder, _ttl, cancellationToken)
                .WaitAsync(_ttl, Clock, cancellationToken);
            if (fence is not null)
                Volatile.Write(ref _heldUntil, asked + (long)(_ttl.TotalSeconds * Clock.TimestampFrequency));
            else
                Volatile.Write(ref _heldUntil, 0);

            return fence;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            Logger.LogWarning("The lease could not be taken or renewed: {Reason}", e.Message);
            return null;
        }
    }

    private async Task ReleaseAsync(long fence)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), Clock);
        try
        {
            await lease.ReleaseAsync(Lease, fence, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException) { }
    }
}
