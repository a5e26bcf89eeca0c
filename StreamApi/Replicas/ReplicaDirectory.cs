using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace StreamApi.Replicas;

/// <summary>
/// Announces this replica in Postgres and reads the others. While Postgres is down each replica knows itself and the
/// replicas it read last.
/// </summary>
internal sealed class ReplicaDirectory(
    ReplicaStates states,
    ThisReplica here,
    IOptions<ReplicaOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<ReplicaDirectory> logger
) : RestartingService(logger, clock)
{
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<bool, (Task<List<Replica>> Read, long At)> _reads = [];
    private IReadOnlyList<Replica> _others = [];

    public async Task<IReadOnlyList<Replica>> AllAsync(CancellationToken cancellationToken)
    {
        try
        {
            _others = await SeenAsync(isLost: false, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the last one is used; the read has logged it */
        }

        return [.. _others.Append(here.Now()).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>Replicas that disappeared without a shutdown, with the time they were last seen.</summary>
    public async Task<IReadOnlyList<Replica>> LostAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await SeenAsync(isLost: true, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return [];
        }
    }

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);

        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.AnnounceSeconds), Clock);
        var isAnnounced = true;
        try
        {
            do
            {
                try
                {
                    await AnnounceAsync(stoppingToken);
                    isAnnounced = true;
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    if (isAnnounced)
                        Logger.LogWarning(
                            "Other replicas cannot see this one until Postgres answers: {Reason}",
                            e.Message
                        );
                    isAnnounced = false;
                }
            } while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync();
        }
    }

    private Task AnnounceAsync(CancellationToken cancellationToken) =>
        states.SetAsync(here.Name, JsonSerializer.Serialize(here.Now()), cancellationToken);

    /// <summary>
    /// Reads the other replicas, once a second at most: any client may ask for them, and the live feed uses the same
    /// connections.
    /// </summary>
    private Task<List<Replica>> SeenAsync(bool isLost, CancellationToken cancellationToken)
    {
        Task<List<Replica>> seen;
        lock (_gate)
        {
            if (!_reads.TryGetValue(isLost, out var last) || (last.Read.IsCompleted && IsOver(last.At)))
                _reads[isLost] = last = (
                    Task.Run(() => ReadOrLogAsync(isLost), CancellationToken.None),
                    Clock.GetTimestamp()
                );
            seen = last.Read;
        }
        return seen.WaitAsync(cancellationToken);

        bool IsOver(long at) => Clock.GetElapsedTime(at) >= Recent;
    }

    /// <summary>Logs a failure once for all callers.</summary>
    private async Task<List<Replica>> ReadOrLogAsync(bool isLost)
    {
        try
        {
            return await ReadAsync(isLost);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            Logger.LogWarning("The replica list could not be read; the last one is used: {Reason}", e.Message);
            throw;
        }
    }

    private async Task<List<Replica>> ReadAsync(bool isLost)
    {
        var forget = TimeSpan.FromSeconds(options.Value.ForgetSeconds);
        var others = await states.OthersAsync(
            here.Name,
            isLost ? forget : TimeSpan.Zero,
            isLost ? forget + TimeSpan.FromSeconds(options.Value.LostSeconds) : forget,
            lifetime.ApplicationStopped
        );
        return
        [
            .. others.Select(other =>
            {
                var replica = JsonSerializer.Deserialize<Replica>(other.State)!;
                return isLost ? replica with { SeenAt = other.SeenAt } : replica;
            }),
        ];
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
