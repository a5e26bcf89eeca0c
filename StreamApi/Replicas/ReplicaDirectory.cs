using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;

namespace StreamApi.Replicas;

/// <summary>Reads the replicas from Postgres, at most about once a second: any client may ask for them, and the live
/// feed uses the same connections. While Postgres is down, those that it read last count.</summary>
internal sealed class ReplicaDirectory(
    ReplicaTable states,
    ThisReplica here,
    IOptions<ReplicaOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<ReplicaDirectory> logger
)
{
    /// <summary>Time for which a replica that disappeared is listed as lost.</summary>
    private static readonly TimeSpan LostTime = TimeSpan.FromMinutes(10);

    private readonly SharedRead<IReadOnlyList<Replica>> _seen = new(clock);
    private readonly SharedRead<IReadOnlyList<Replica>> _lost = new(clock);
    private IReadOnlyList<Replica> _others = [];

    private TimeSpan ForgetTime => TimeSpan.FromSeconds(options.Value.ForgetSeconds);

    public async Task<IReadOnlyList<Replica>> AllAsync(CancellationToken cancellationToken)
    {
        try
        {
            _others = await _seen.RecentAsync(ReadSeenAsync, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        { /* the last one is used; the read has logged it */
        }
        return [.. _others.Append(here.Describe()).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>Replicas that disappeared without a shutdown, with the time they were last seen.</summary>
    public async Task<IReadOnlyList<Replica>> LostAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _lost.RecentAsync(ReadLostAsync, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            return [];
        }
    }

    private async Task<IReadOnlyList<Replica>> ReadSeenAsync() =>
        [.. (await ReadAsync(TimeSpan.Zero, ForgetTime)).Select(ReplicaOf)];

    private async Task<IReadOnlyList<Replica>> ReadLostAsync() =>
        [
            .. (await ReadAsync(ForgetTime, ForgetTime + LostTime)).Select(other =>
                ReplicaOf(other) with
                {
                    SeenAt = other.SeenAt,
                }
            ),
        ];

    /// <summary>Logs a failure once for all callers.</summary>
    private async Task<IReadOnlyList<ReplicaState>> ReadAsync(TimeSpan minAge, TimeSpan maxAge)
    {
        try
        {
            return await states.OthersAsync(here.Name, minAge, maxAge, lifetime.ApplicationStopped);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            logger.LogWarning("The replica list could not be read; the last one is used: {Reason}", e.Message);
            throw;
        }
    }

    private static Replica ReplicaOf(ReplicaState state) => JsonSerializer.Deserialize<Replica>(state.State)!;
}
