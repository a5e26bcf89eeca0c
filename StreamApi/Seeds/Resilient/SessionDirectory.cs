using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Resilient;

/// <summary>Reads the state of sessions and records that they have readers.</summary>
internal sealed class SessionDirectory(
    [FromKeyedServices(SeedsPool.Work)] NpgsqlDataSource work,
    SeedsStore store,
    TopicReader topics,
    TopicPresence presence,
    IOptions<ResilientOptions> options,
    TimeProvider clock,
    ILogger<SessionDirectory> logger
) : RestartingService(logger, clock)
{
    /// <summary>The interval at which readers are recorded: several times before their source counts as idle.</summary>
    private readonly TimeSpan _presence = TimeSpan.FromSeconds(Math.Min(2, options.Value.IdleSeconds / 3.0));

    /// <summary>The sources, ordered by their next read.</summary>
    public ScheduledRows Due { get; } = new(work, "seeds.sessions", "next_at", ResilientOptions.MaxPause, clock);

    /// <summary>
    /// Reads a session, first the log, so that a failure is not taken for one that is past. <paramref name="ordinal"/>
    /// is the reader's last message, or 0 if there is none.
    /// </summary>
    public async Task<SessionState> ReadAsync(string id, long ordinal, CancellationToken cancellationToken)
    {
        var log = await topics.ReadNumberedAsync(
            Session.Topic(id),
            ordinal,
            Session.ControlTopic(id),
            ResilientFormat.Failed,
            cancellationToken
        );
        await using var db = store.CreateReader();
        var session = await db.Sessions.SingleOrDefaultAsync(session => session.Id == id, cancellationToken);
        var hasFailed = session?.Failed == true;
        var isRunning = session?.NextAt is not null;
        var next = session?.NextId ?? 1;

        // Before the oldest message; if there is none, the next one will come after the head.
        var oldest = log.Start ?? log.Head;

        (StreamPosition? at, ResyncReason? reason) =
            ordinal > (log.Newest ?? next - 1) ? (null, ResyncReason.Future)
            : log.At is { } found ? (found, null)
            : ordinal == 0 || ordinal == (log.Oldest ?? next) - 1 ? (oldest, null)
            : ((StreamPosition?)oldest, (ResyncReason?)ResyncReason.Expired);

        return new SessionState(log.Head, at, reason, isRunning, hasFailed, log.Other);
    }

    /// <summary>
    /// Records a reader and starts the source or lets it continue. A stopped source restarts only for a reader without
    /// a last id.
    /// </summary>
    public async Task EnterAsync(string id, bool isFresh, CancellationToken cancellationToken)
    {
        await store.ChangeAsync(
            db =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    insert into seeds.sessions as s (id, seen_at, next_at)
                    values ({id}, clock_timestamp(), clock_timestamp())
                    on conflict (id) do update set seen_at = excluded.seen_at, failed = s.failed and not {isFresh},
                        next_at = case when s.next_at is null and (not s.failed or {isFresh})
                            then excluded.next_at else s.next_at end
                    """,
                    CancellationToken.None
                ),
            cancellationToken
        );
        Due.Changed();
    }

    /// <summary>Makes the source fail the given number of times, or without one until it is repaired.</summary>
    public Task FailAsync(string id, int? times, CancellationToken cancellationToken)
    {
        var failures = times ?? Session.UntilRepaired;
        return store.ChangeAsync(
            db =>
                db.Database.ExecuteSqlAsync(
                    $"""
                    insert into seeds.sessions (id, seen_at, failures_left) values ({id}, clock_timestamp(), {failures})
                    on conflict (id) do update set failures_left = {failures}
                    """,
                    CancellationToken.None
                ),
            cancellationToken
        );
    }

    /// <summary>Records the sessions that have readers on this replica. Restarts sources that stopped during an outage
    /// of the store, because no reader could be recorded then.</summary>
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(_presence, Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                string[] ids = [.. presence.ReadHere($"sse.resilient.*").Select(topic => topic.Split('.')[2])];
                if (ids.Length == 0)
                    continue;

                try
                {
                    await store.ChangeAsync(
                        db =>
                            db.Database.ExecuteSqlAsync(
                                $"""
                                update seeds.sessions set seen_at = clock_timestamp(), next_at =
                                    case when failed then next_at else coalesce(next_at, clock_timestamp()) end
                                where id = any({ids})
                                """,
                                CancellationToken.None
                            ),
                        stoppingToken
                    );
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    Logger.LogWarning("The sessions' readers could not be recorded: {Reason}", e.Message);
                }
            }
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested) { }
    }

    public override void Dispose()
    {
        Due.Dispose();
        base.Dispose();
    }
}

/// <summary>State of a session at one point in time.</summary>
/// <param name="Head">Head of the log.</param>
/// <param name="AtOrdinal">Position before the reader's first missing message that is kept, or null if the reader
/// claims a message that does not exist yet.</param>
/// <param name="Resync">Reason for a resync, or null if the reader misses nothing that retention has dropped.</param>
/// <param name="IsRunning">True if the source has a next read.</param>
/// <param name="HasFailed">True if the last fatal error still holds.</param>
/// <param name="Errors">The fatal errors among the newest retries and errors.</param>
internal sealed record SessionState(
    StreamPosition Head,
    StreamPosition? AtOrdinal,
    ResyncReason? Resync,
    bool IsRunning,
    bool HasFailed,
    RecentEnds Errors
)
{
    /// <summary>Position of the fatal error, or null while the source works, and until the error has entered the
    /// log.</summary>
    public long? FailedAt => HasFailed && Errors.Last == Errors.Newest ? Errors.Last?.Position : null;

    /// <summary>Returns an id of this epoch that the log may have given, or null for others.</summary>
    public StreamPosition? Known(StreamPosition? id) =>
        id is { } known && known.Epoch == Head.Epoch && known.Position <= Head.Position ? known : null;

    /// <summary>Returns the place through which errors end nothing for a reader, because the source was restarted
    /// after them, or null if the reader meets none of them.</summary>
    /// <param name="isFresh">True for a reader that restarts a failed source.</param>
    /// <param name="start">Position after which the reader begins, or null if it is unknown.</param>
    public StreamPosition? RestartedAfter(bool isFresh, long? start)
    {
        var past = FailedAt is { } end && !isFresh ? Head with { Position = end - 1 } : Errors.Last ?? Errors.Since;
        return past?.Position <= start ? null : past;
    }
}
