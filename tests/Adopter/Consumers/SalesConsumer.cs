using Microsoft.EntityFrameworkCore;

namespace Adopter.Consumers;

/// <summary>Counts paid orders, each once, in one process at a time: a consumer as docs/public-api.md has it.</summary>
internal sealed class SalesConsumer(
    IEventLog log,
    IDbContextFactory<SalesDb> contexts,
    LeaderLease lease,
    TimeProvider clock,
    ILogger<SalesConsumer> logger
) : RestartingService(logger, clock)
{
    private const string Name = "sales";

    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(3);

    private readonly string _holder = Guid.NewGuid().ToString();

    public string Holder => _holder;

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        for (; ; await Task.Delay(Ttl / 3, Clock, stoppingToken))
        {
            if (await lease.HoldAsync(Name, _holder, Ttl, stoppingToken) is not { } fence)
                continue; // another process works

            using var lost = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            var consuming = ConsumeAsync(lost.Token);
            try
            {
                while (!consuming.IsCompleted && await lease.HoldAsync(Name, _holder, Ttl, stoppingToken) == fence)
                    await Task.WhenAny(consuming, Task.Delay(Ttl / 3, Clock, stoppingToken));
            }
            finally
            {
                await lost.CancelAsync();
                await consuming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await lease.ReleaseAsync(Name, fence, CancellationToken.None);
            }

            if (consuming.IsFaulted)
                await consuming; // the service logs it, and begins again
        }
    }

    internal async Task ConsumeAsync(CancellationToken stop)
    {
        var after = await CheckpointAsync(stop);
        while (true)
        {
            try
            {
                await foreach (var paid in log.FollowAsync(after, new EventFilter([$"orders.*.paid"]), stop))
                {
                    await using var db = contexts.CreateDbContext();
                    db.Add(new Sale { Order = paid.Topic, By = _holder });
                    await SaveAsync(db, after, paid.At, stop);
                    after = paid.At;
                }
            }
            catch (ResyncException lost)
            {
                // Sales of events after this place were counted that the log no longer has, or some were missed.
                Logger.LogError(lost, "Sales since {Place} need a check", lost.ResumeFrom);
                await using var db = contexts.CreateDbContext();
                await SaveAsync(db, after, lost.ResumeFrom, stop);
                after = lost.ResumeFrom;
            }
        }
    }

    /// <summary>Commits the work and the checkpoint together, or neither: also if another process was faster.</summary>
    private static async Task SaveAsync(SalesDb db, StreamPosition? from, StreamPosition to, CancellationToken stop)
    {
        var checkpoint = db.Attach(new Checkpoint { Consumer = Name, At = from?.ToString() }).Entity;
        checkpoint.At = to.ToString();
        await db.SaveChangesAsync(stop);
    }

    private async Task<StreamPosition?> CheckpointAsync(CancellationToken stop)
    {
        await using var db = contexts.CreateDbContext();
        if (await db.Checkpoints.FindAsync([Name], stop) is { } checkpoint)
            return StreamPosition.TryParse(checkpoint.At, out var at) ? at : null;

        db.Add(new Checkpoint { Consumer = Name });
        await db.SaveChangesAsync(stop);
        return null;
    }
}
