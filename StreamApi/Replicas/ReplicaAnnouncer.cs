using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;

namespace StreamApi.Replicas;

/// <summary>Announces this replica in Postgres while it listens, and takes the announcement back when it
/// stops.</summary>
internal sealed class ReplicaAnnouncer(
    ReplicaTable states,
    ThisReplica here,
    IOptions<ReplicaOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<ReplicaAnnouncer> logger
) : RestartingService(logger, clock)
{
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.AnnounceSeconds), Clock);
        var isAnnounced = true;
        try
        {
            do isAnnounced = await AnnounceAsync(isAnnounced, stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync();
        }
    }

    /// <summary>Returns false while Postgres does not answer, which is logged once.</summary>
    private async Task<bool> AnnounceAsync(bool wasAnnounced, CancellationToken cancellationToken)
    {
        try
        {
            await states.SetAsync(here.Name, JsonSerializer.Serialize(here.Describe()), cancellationToken);
            return true;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            if (wasAnnounced)
                Logger.LogWarning("Other replicas cannot see this one until Postgres answers: {Reason}", e.Message);
            return false;
        }
    }

    private async Task LeaveAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), Clock);
        try
        {
            await states.RemoveAsync(here.Name, limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException) { }
    }
}
