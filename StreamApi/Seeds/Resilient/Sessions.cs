using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;
using Streaming.Connections;

namespace StreamApi.Seeds.Resilient;

/// <summary>Reads the state of sessions and records that they have readers.</summary>
internal sealed class Sessions(
    NpgsqlDataSource store,
    ConnectionRegistry registry,
    IOptions<ResilientOptions> options,
    TimeProvider clock,
    ILogger<Sessions> logger
) : RestartingService(logger)
{
    private static readonly TimeSpan Presence = TimeSpan.FromSeconds(2);

    /// <summary>The sources, ordered by their next read.</summary>
    public ScheduledRows Due { get; } =
        new(store, "resilient.sessions", "next_at", TimeSpan.FromMilliseconds(options.Value.PollMilliseconds), clock);

    /// <summary>
    /// Reads a session in one snapshot. <paramref name="ordinal"/> is the reader's last message; 0: none.
    /// </summary>
    public async Task<SessionState> ReadAsync(string id, long ordinal, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            """
            select eventstore.epoch(), eventstore.head(),
                (select position from eventstore.events where topic = $1
                    order by position offset greatest($4 - 1, 0) limit 1),
                (select max(position) from eventstore.events where topic = $2 and type = 'error'),
                coalesce((select failed from resilient.sessions where id = $3), false)
            """
        );
        foreach (var text in (ReadOnlySpan<string>)[Session.Topic(id), Session.ControlTopic(id), id])
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = ordinal });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        var head = new StreamId(row.GetString(0), row.GetInt64(1));
        // Starts before the first message; without one yet, at the head.
        StreamId? at = row.IsDBNull(2)
            ? ordinal == 0
                ? head
                : null
            : head with
            {
                Position = row.GetInt64(2) - (ordinal == 0 ? 1 : 0),
            };
        return new SessionState(head, at, row.GetBoolean(4) && !row.IsDBNull(3) ? row.GetInt64(3) : null);
    }

    /// <summary>
    /// Records a reader and starts the source or lets it continue. A stopped source restarts only for a reader without
    /// a last id.
    /// </summary>
    public async Task EnterAsync(string id, bool isFresh, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            """
            insert into resilient.sessions as s (id, seen_at, next_at) values ($1, $2, $2)
            on conflict (id) do update set seen_at = $2, failed = s.failed and not $3,
                next_at = case when s.next_at is null and (not s.failed or $3) then $2 else s.next_at end
            """
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isFresh });
        await command.ExecuteNonQueryAsync(cancellationToken);
        Due.Changed();
    }

    /// <summary>Makes the source fail the given number of times; -1: until healed, 0: not at all.</summary>
    public async Task FailAsync(string id, int times, CancellationToken cancellationToken)
    {
        await using var command = store.CreateCommand(
            """
            insert into resilient.sessions (id, seen_at, failures_left) values ($1, $2, $3)
            on conflict (id) do update set failures_left = $3
            """
        );
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = times });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Records the sessions that have readers on this replica.</summary>
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Presence, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var ids = registry
                    .Open.Where(c => c.Client.Endpoint == ResilientApi.Route)
                    .Select(c => c.Topics[0].Split('.')[2])
                    .Distinct()
                    .ToArray();
                if (ids.Length == 0)
                    continue;
                try
                {
                    await using var command = store.CreateCommand(
                        "update resilient.sessions set seen_at = $1 where id = any($2)"
                    );
                    command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
                    command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
                    await command.ExecuteNonQueryAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    Logger.LogWarning("The sessions' readers could not be recorded: {Reason}", e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
    }

    public override void Dispose()
    {
        Due.Dispose();
        base.Dispose();
    }
}

/// <summary>State of a session at one point in time.</summary>
/// <param name="Head">Head of the log.</param>
/// <param name="AtOrdinal">Position before the reader's first missing message; null if the reader claims a message that
/// does not exist yet.</param>
/// <param name="FailedAt">Position of the fatal error; null while the source works.</param>
internal sealed record SessionState(StreamId Head, StreamId? AtOrdinal, long? FailedAt);
