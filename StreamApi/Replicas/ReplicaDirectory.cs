using System.Text.Json;
using EventStore;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.Extensions.Options;
using Npgsql;
using Streaming;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;

namespace StreamApi.Replicas;

/// <summary>
/// Announces this replica in Postgres and reads the others. While Postgres is down each replica knows itself and the
/// replicas it read last.
/// </summary>
internal sealed class ReplicaDirectory(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    IServer server,
    IOptions<StreamingOptions> streaming,
    ConnectionRegistry registry,
    FilterLogs logs,
    LiveFeed feed,
    IOptions<ReplicaOptions> options,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<ReplicaDirectory> logger
) : RestartingService(logger)
{
    private IReadOnlyList<Replica> _others = [];

    public Replica Here() =>
        Replica.Here(ReplicaAddress.Of(options.Value, server, store), streaming.Value.Replica, registry, logs, feed);

    public async Task<IReadOnlyList<Replica>> AllAsync(CancellationToken cancellationToken)
    {
        try
        {
            _others = await SeenAsync(0, options.Value.ForgetSeconds, cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            Logger.LogWarning("The replica list could not be read; the last one is used: {Reason}", e.Message);
        }
        return [.. _others.Append(Here()).OrderBy(r => r.Name, StringComparer.Ordinal)];
    }

    /// <summary>Replicas that disappeared without a shutdown, with the time they were last seen.</summary>
    public async Task<IReadOnlyList<Replica>> LostAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await SeenAsync(
                options.Value.ForgetSeconds,
                options.Value.ForgetSeconds + options.Value.LostSeconds,
                cancellationToken
            );
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
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(options.Value.AnnounceSeconds), clock);
        try
        {
            do
            {
                try
                {
                    await AnnounceAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    Logger.LogDebug(e, "This replica could not be announced");
                }
            } while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException)
        {
            await LeaveAsync();
        }
    }

    private async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            """
            insert into eventstore.replicas values ($1, $2::jsonb, clock_timestamp())
            on conflict (name) do update set state = excluded.state, seen_at = excluded.seen_at
            """
        );
        command.Parameters.AddWithValue(streaming.Value.Replica);
        command.Parameters.AddWithValue(JsonSerializer.Serialize(Here()));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<List<Replica>> SeenAsync(int fromSeconds, int toSeconds, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            """
            select state, seen_at from eventstore.replicas
            where name <> $1
                and clock_timestamp() - seen_at >= make_interval(secs => $2)
                and clock_timestamp() - seen_at < make_interval(secs => $3)
            """
        );
        command.Parameters.AddWithValue(streaming.Value.Replica);
        command.Parameters.AddWithValue((double)fromSeconds);
        command.Parameters.AddWithValue((double)toSeconds);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var others = new List<Replica>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var other = JsonSerializer.Deserialize<Replica>(reader.GetString(0))!;
            others.Add(fromSeconds == 0 ? other : other with { SeenAt = new DateTimeOffset(reader.GetDateTime(1)) });
        }
        return others;
    }

    private async Task LeaveAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), clock);
        try
        {
            await using var command = store.CreateCommand(
                "delete from eventstore.replicas where name = $1 or seen_at < clock_timestamp() - interval '1 day'"
            );
            command.Parameters.AddWithValue(streaming.Value.Replica);
            await command.ExecuteNonQueryAsync(limit.Token);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException) { }
    }
}
