using System.Text.Json;
using EventStore;
using Microsoft.Extensions.DependencyInjection;

namespace AspireSse;

/// <summary>The durable log of events, which streams deliver and resume from. Thread-safe.</summary>
/// <remarks>Needed to append events without Entity Framework Core, to read the log, or to wrap it, such as to count
/// appends.</remarks>
public interface IEventLog
{
    /// <summary>Options that write a value as the data of an event: as the application's endpoints do
    /// (<c>ConfigureHttpJsonOptions</c>), or as its controllers do if only those are configured, but on one line and
    /// readable.</summary>
    JsonSerializerOptions Json { get; }

    /// <summary>Appends events, all or none, and returns their places in the order given once they are
    /// committed.</summary>
    /// <param name="events">The events; may be empty.</param>
    /// <param name="cancellationToken">Ends the wait; the events may be stored nevertheless, unless it was cancelled
    /// before the call.</param>
    /// <exception cref="ArgumentException">The list is null or has a null, or Postgres refuses an event, such as by a
    /// constraint of its operator. Nothing was appended.</exception>
    /// <exception cref="EventConflictException">An id was used for other content; nothing was appended.</exception>
    /// <exception cref="StoreUnavailableException">Postgres has not confirmed the events, which may be stored; a retry
    /// with the same ids is safe.</exception>
    /// <exception cref="InvalidOperationException">The schema is missing, or the role lacks a right.</exception>
    Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken = default
    );

    /// <summary>Appends events as <see cref="AppendAsync"/> does, for one of several publishers. They share the log by
    /// bytes: a small append does not wait behind many appends of another publisher. <see cref="AppendAsync"/> takes
    /// the first event's topic as the publisher.</summary>
    /// <param name="publisher">The publisher's name, such as that of a user. It is stored nowhere.</param>
    /// <inheritdoc cref="AppendAsync"/>
    Task<IReadOnlyList<AppendedEvent>> AppendForAsync(
        string publisher,
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a page of the matching events after a position, in order; read on after
    /// <see cref="EventPage.Through"/> until that is the head.</summary>
    /// <param name="after">The last position that the caller has; 0 for the beginning.</param>
    /// <param name="filter">The events wanted, or null for all.</param>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    /// <exception cref="InvalidOperationException">As <see cref="AppendAsync"/>.</exception>
    Task<EventPage> ReadAsync(long after, EventFilter? filter = null, CancellationToken cancellationToken = default);

    /// <summary>Reads a page as <see cref="ReadAsync"/> does, of a size that the caller chooses. It uses other
    /// connections than streams do, so that many reads for clients do not delay the events of streams.</summary>
    /// <param name="mostEvents">Maximum events.</param>
    /// <param name="mostBytes">Bytes of data at which the page ends; its first event may exceed them.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mostEvents"/> or <paramref name="mostBytes"/> is
    /// less than 1.</exception>
    /// <inheritdoc cref="ReadAsync"/>
    Task<EventPage> ReadPageAsync(
        long after,
        EventFilter? filter,
        int mostEvents,
        int mostBytes,
        CancellationToken cancellationToken = default
    );
}

/// <summary>Appends a value as an event.</summary>
/// <remarks>Needed to append one value as an event, such as in an endpoint that changes no database.</remarks>
public static class EventLogExtensions
{
    /// <summary>Appends one event, whose data is the value as the application's endpoints write it
    /// (<see cref="IEventLog.Json"/>).</summary>
    /// <param name="log">The log.</param>
    /// <param name="topic">A topic without wildcards; each hole of an interpolated string is one token.</param>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event, or null without one.</param>
    /// <param name="id">The id that makes a retry append nothing, for 24 h, or null for a new one.</param>
    /// <param name="cancellationToken">Ends the wait; the event may be stored nevertheless, unless it was cancelled
    /// before the call.</param>
    /// <inheritdoc cref="IEventLog.AppendAsync" path="/exception"/>
    public static async Task<AppendedEvent> AppendAsync<T>(
        this IEventLog log,
        EventTopic topic,
        string type,
        T data,
        string? key = null,
        Guid? id = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(log);
        var appended = await log.AppendAsync([NewEvent.Of(topic, type, data, key, id, log.Json)], cancellationToken);
        return appended[0];
    }
}

/// <summary>The log in Postgres.</summary>
internal sealed class StoredEventLog(
    EventAppender appender,
    EventReader reader,
    [FromKeyedServices(StorePool.Reads)] EventReader pages,
    IServiceProvider services
) : IEventLog
{
    private JsonSerializerOptions? _json;

    public JsonSerializerOptions Json => _json ??= ApplicationJson.Of(services);

    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    ) => appender.AppendAsync(events, cancellationToken);

    public Task<IReadOnlyList<AppendedEvent>> AppendForAsync(
        string publisher,
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(publisher);
        return appender.AppendAsync(events, publisher, cancellationToken);
    }

    public Task<EventPage> ReadAsync(long after, EventFilter? filter, CancellationToken cancellationToken) =>
        ReadAsync(reader.ReadAsync(after, filter, cancellationToken: cancellationToken));

    public Task<EventPage> ReadPageAsync(
        long after,
        EventFilter? filter,
        int mostEvents,
        int mostBytes,
        CancellationToken cancellationToken
    )
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostEvents);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(mostBytes);
        return ReadAsync(
            pages.ReadAsync(after, filter, mostEvents, mostBytes: mostBytes, cancellationToken: cancellationToken)
        );
    }

    private static async Task<EventPage> ReadAsync(Task<EventPage> reading)
    {
        try
        {
            return await reading;
        }
        catch (StoreUnavailableException e)
            when (e.InnerException is { } refusal && StoreError.Mistake(refusal) != null)
        {
            throw new InvalidOperationException(e.Message, refusal);
        }
    }
}
