using System.Globalization;
using EventStore;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Reads due sources on any replica; a row lock ensures one reader per source, also after a replica dies. A failing
/// source is retried after 2, 4 and 8 s and then stopped with a fatal error.
/// </summary>
internal sealed class SessionSources(
    Sessions sessions,
    IDbContextFactory<ResilientContext> contexts,
    IOptions<ResilientOptions> options,
    TimeProvider clock,
    ILogger<SessionSources> logger
) : RestartingService(logger, clock)
{
    private const int Batch = 100;

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        sessions.Due.RunAsync(
            ReadDueAsync,
            e => Logger.LogWarning("Sources could not be read; they are retried: {Reason}", e.Message),
            stoppingToken
        );

    private Task<int> ReadDueAsync(DateTimeOffset now, CancellationToken cancellationToken) =>
        contexts.ChangeAsync(context => ReadDueAsync(context, now), cancellationToken);

    private async Task<int> ReadDueAsync(ResilientContext context, DateTimeOffset now)
    {
        var due = await context
            .Sessions.FromSql(
                $"""
                select * from resilient.sessions where next_at <= {now}
                order by next_at limit {Batch} for update skip locked
                """
            )
            .ToListAsync(CancellationToken.None);
        foreach (var session in due)
            if ((now - session.SeenAt).Duration() > TimeSpan.FromSeconds(options.Value.IdleSeconds))
                session.NextAt = null;
            else
                await ReadAsync(context, session, now, CancellationToken.None);
        await context.SaveChangesAsync(CancellationToken.None);
        await context.CommitAsync();
        return due.Count;
    }

    private async Task ReadAsync(
        ResilientContext context,
        Session session,
        DateTimeOffset now,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var message = Read(session, now);
            await context.PublishAsync(
                Session.Topic(session.Id),
                "message",
                new ResilientMessage(session.NextId, message, session.RetryCount),
                null,
                null,
                cancellationToken
            );
            session.NextId++;
            session.RetryCount = 0;
            var interval = TimeSpan.FromMilliseconds(options.Value.IntervalMilliseconds);
            var last = session.NextAt is { } at && now - at <= interval ? at : now;
            session.NextAt = options.Value.Moment(last + interval);
        }
        catch (SourceFailedException e) when (session.RetryCount < options.Value.MaxRetries)
        {
            var delay = options.Value.RetryDelay(++session.RetryCount);
            Logger.LogInformation(
                "The source of session {Session} failed, retry {Retry} in {Delay}: {Reason}",
                session.Id,
                session.RetryCount,
                delay,
                e.Message
            );
            await context.PublishAsync(
                Session.ControlTopic(session.Id),
                ResilientFormat.Retry,
                (int)delay.TotalMilliseconds,
                null,
                null,
                cancellationToken
            );
            session.NextAt = now + delay;
        }
        catch (SourceFailedException e)
        {
            await context.PublishAsync(
                Session.ControlTopic(session.Id),
                ResilientFormat.Error,
                new ResilientError(e.Message, true, "source"),
                null,
                null,
                cancellationToken
            );
            (session.Failed, session.RetryCount, session.NextAt) = (true, 0, null);
        }
    }

    /// <summary>Simulates the source: it always has a message, unless it is made to fail.</summary>
    private static string Read(Session session, DateTimeOffset now)
    {
        if (session.FailuresLeft == 0)
            return "Resilient event at " + now.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);
        if (session.FailuresLeft > 0)
            session.FailuresLeft--;
        throw new SourceFailedException("The source does not answer.");
    }

    private sealed class SourceFailedException(string message) : Exception(message);
}

internal sealed record ResilientMessage(
    long Id,
    string Message,
    [property: System.Text.Json.Serialization.JsonPropertyName("retry_count")] int RetryCount
);

internal sealed record ResilientError(string Error, bool Fatal, string Reason);
