using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Reads due sources on any replica; a row lock ensures one reader per source, also after a replica dies. A failing
/// source is retried after 2, 4 and 8 s and then stopped with a fatal error.
/// </summary>
internal sealed class SessionSources(
    SessionDirectory sessions,
    SeedsStore store,
    IOptions<ResilientOptions> options,
    TimeProvider clock,
    ILogger<SessionSources> logger
) : RestartingService(logger, clock)
{
    private const int Batch = 100;

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        sessions.Due.RunAsync(
            (now, stop) => store.ChangeAsync(db => ReadDueAsync(db, now), stop),
            e => Logger.LogWarning("Sources could not be read; they are retried: {Reason}", e.Message),
            stoppingToken
        );

    private async Task<bool> ReadDueAsync(SeedsContext db, DateTimeOffset now)
    {
        var due = await db
            .Sessions.FromSql(
                $"""
                select * from seeds.sessions where next_at <= {now}
                order by next_at limit {Batch} for update skip locked
                """
            )
            .ToListAsync(CancellationToken.None);

        foreach (var session in due)
            if ((now - session.SeenAt).Duration() > TimeSpan.FromSeconds(options.Value.IdleSeconds))
                session.NextAt = null;
            else
                Read(db, session, now);

        return due.Count == Batch;
    }

    /// <summary>Simulates the source: it always has a message, unless it is made to fail.</summary>
    private void Read(SeedsContext db, Session session, DateTimeOffset now)
    {
        if (session.FailuresLeft != 0)
        {
            Fail(db, session, now);
            return;
        }

        var message = "Resilient event at " + now.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);
        db.Publish(
            Session.Topic(session.Id),
            ResilientFormat.Message,
            new ResilientMessage(session.NextId, message, session.RetryCount)
        );
        session.NextId++;
        session.RetryCount = 0;

        // From the due time: the rate does not depend on when the source was read.
        var last = session.NextAt is { } at && now - at <= options.Value.Interval ? at : now;
        session.NextAt = last + options.Value.Interval;
    }

    private void Fail(SeedsContext db, Session session, DateTimeOffset now)
    {
        if (session.FailuresLeft > 0)
            session.FailuresLeft--;

        var topic = Session.ControlTopic(session.Id);

        if (session.RetryCount < ResilientOptions.MaxRetries)
        {
            var delay = options.Value.RetryDelay(++session.RetryCount);
            db.Publish(topic, ResilientFormat.Retry, (int)delay.TotalMilliseconds);
            session.NextAt = now + delay;
            return;
        }

        db.Publish(topic, ResilientFormat.Failed, new ResilientError("The source does not answer.", true, "source"));
        session.Failed = true;
        session.RetryCount = 0;
        session.NextAt = null;
    }
}

internal sealed record ResilientMessage(
    long Id,
    string Message,
    [property: System.Text.Json.Serialization.JsonPropertyName("retry_count")] int RetryCount
);

internal sealed record ResilientError(string Error, bool Fatal, string Reason);
