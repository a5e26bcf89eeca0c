using System.Text.Json;
using EventStore;

namespace AspireSse;

/// <summary>The durable log of events, which streams deliver and resume from. Thread-safe.</summary>
public interface IEventLog
{
    /// <summary>How values become the data of events: as the application's endpoints write them
    /// (<c>ConfigureHttpJsonOptions</c>), or its controllers if only those are configured, on one line and
    /// readable.</summary>
    JsonSerializerOptions Json => ReadableJsonEncoder.Web;

    /// <summary>Appends events, all or none, and returns their places in the order given once they are
    /// committed.</summary>
    /// <exception cref="ArgumentException">There is no list, or it has a null; nothing was appended.
    /// Or Postgres refuses an event, such as by a constraint of its operator.</exception>
    /// <exception cref="EventConflictException">An id was used for other content; nothing was appended.</exception>
    /// <exception cref="StoreUnavailableException">Perhaps committed; a retry with the same ids is safe.</exception>
    /// <exception cref="InvalidOperationException">The schema is missing, or the role lacks a right.</exception>
    Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a page of the matching events after a position, in order; read on after
    /// <see cref="EventPage.Through"/> until that is the head.</summary>
    /// <param name="after">The last position that the caller has; 0 for the beginning.</param>
    /// <param name="filter">The events wanted; null for all.</param>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    /// <exception cref="InvalidOperationException">As <see cref="AppendAsync"/>.</exception>
    Task<EventPage> ReadAsync(long after, EventFilter? filter = null, CancellationToken cancellationToken = default);
}

/// <summary>Appends objects as events.</summary>
public static class EventLogExtensions
{
    /// <summary>Appends one event, whose data is the value as the application's endpoints write it
    /// (<see cref="IEventLog.Json"/>).</summary>
    /// <param name="log">The log.</param>
    /// <param name="topic">A topic without wildcards; each hole of an interpolated string is one token.</param>
    /// <param name="type">The SSE event name: see <see cref="NewEvent"/>.</param>
    /// <param name="data">Any value that <see cref="JsonSerializer"/> can write.</param>
    /// <param name="key">The key by which a slow reader keeps only the newest event; null without one.</param>
    /// <param name="id">The id that makes a retry append nothing, for 24 h; null for a new one.</param>
    /// <param name="cancellationToken">Ends the wait; the event may be stored nevertheless.</param>
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
internal sealed class StoredEventLog(EventAppender appender, EventReader reader, IServiceProvider services) : IEventLog
{
    private JsonSerializerOptions? _json;

    public JsonSerializerOptions Json => _json ??= ApplicationJson.Of(services);

    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    ) => appender.AppendAsync(events, cancellationToken);

    public async Task<EventPage> ReadAsync(long after, EventFilter? filter, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(after, filter, cancellationToken: cancellationToken);
        }
        catch (StoreUnavailableException e)
            when (e.InnerException is { } refusal && SchemaRights.Mistake(refusal) != null)
        {
            throw new InvalidOperationException(e.Message, refusal);
        }
    }
}
