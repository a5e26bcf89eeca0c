using System.Runtime.CompilerServices;
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
    /// <param name="options">Options, or null for none.</param>
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
        AppendOptions? options = null,
        CancellationToken cancellationToken = default
    );

    /// <summary>Reads a page of the matching events after a place, in order; read on after
    /// <see cref="EventPage.Next"/> until that is the head. It uses other connections than streams do, so that many
    /// reads do not delay the events of streams.</summary>
    /// <param name="read">The place, the events wanted, and the size of the page.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ResyncException">The log does not continue the place. A place of an earlier epoch is honoured
    /// if both histories have it, as after a promotion that lost nothing.</exception>
    /// <exception cref="StoreUnavailableException">The log does not answer.</exception>
    /// <exception cref="InvalidOperationException">As <see cref="AppendAsync"/>.</exception>
    Task<EventPage> ReadAsync(EventRead read, CancellationToken cancellationToken = default);

    /// <summary>Enumerates the pages after a place, first the stored ones, then new ones as they are committed, without
    /// a gap. It ends by cancellation or by an exception, never during an outage of Postgres, which it waits
    /// for.</summary>
    /// <param name="read">As for <see cref="ReadAsync"/>. The next page is read when the caller asks for it.</param>
    /// <param name="cancellationToken">Ends the enumeration, by an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Pages with events, and empty ones that move a checkpoint on past events that do not match.</returns>
    /// <exception cref="ResyncException">As <see cref="ReadAsync"/>; also later, if retention overtakes the caller, or
    /// Postgres is promoted without its newest events.</exception>
    /// <exception cref="InvalidOperationException">As <see cref="AppendAsync"/>.</exception>
    IAsyncEnumerable<EventPage> FollowPagesAsync(EventRead read, CancellationToken cancellationToken = default);

    /// <summary>Erases committed events and outbox rows for ever, and records the erasure. Positions stay empty and ids
    /// spent, so that readers lose nothing else; every replica forgets the events within a second.</summary>
    /// <param name="erasure">The events. An erasure may be repeated.</param>
    /// <param name="cancellationToken">Ends the wait; the events may be erased nevertheless.</param>
    /// <exception cref="ArgumentException">A member is invalid: a topic is a pattern, a text is empty or too long, or
    /// neither topics nor ids are given.</exception>
    /// <exception cref="OpenRunException">A run of the topics is open; nothing was erased.</exception>
    /// <exception cref="StoreUnavailableException">Postgres has not confirmed the erasure: repeat it.</exception>
    /// <exception cref="InvalidOperationException">As <see cref="AppendAsync"/>.</exception>
    Task<ErasureResult> EraseAsync(Erasure erasure, CancellationToken cancellationToken = default);
}

/// <summary>Appends a value as an event, and follows the log event by event.</summary>
/// <remarks>Needed to append one value as an event, such as in an endpoint that changes no database, or to handle each
/// event of the log.</remarks>
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
        var one = NewEvent.Of(topic, type, data, key, id, log.Json);
        return (await log.AppendAsync([one], cancellationToken: cancellationToken))[0];
    }

    /// <summary>Appends events without options.</summary>
    /// <inheritdoc cref="IEventLog.AppendAsync"/>
    public static Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        this IEventLog log,
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(log);
        return log.AppendAsync(events, options: null, cancellationToken);
    }

    /// <summary>Enumerates the events after a place, first the stored ones, then new ones as they are committed, as
    /// <see cref="IEventLog.FollowPagesAsync"/> does. An event's <see cref="EventRecord.At"/> is the checkpoint of a
    /// consumer that has handled it.</summary>
    /// <param name="log">The log.</param>
    /// <param name="after">The last place that the consumer has, or null to begin with the oldest event.</param>
    /// <param name="filter">The events wanted, or null for all.</param>
    /// <param name="cancellationToken">Ends the enumeration, by an <see cref="OperationCanceledException"/>.</param>
    /// <inheritdoc cref="IEventLog.FollowPagesAsync" path="/exception"/>
    public static async IAsyncEnumerable<EventRecord> FollowAsync(
        this IEventLog log,
        StreamPosition? after,
        EventFilter? filter = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(log);
        var read = new EventRead { After = after, Filter = filter };
        await foreach (var page in log.FollowPagesAsync(read, cancellationToken))
        foreach (var record in page.Events)
            yield return record;
    }
}

/// <summary>The log in Postgres.</summary>
internal sealed class StoredEventLog(
    EventAppender appender,
    [FromKeyedServices(StorePool.Reads)] EventReader reader,
    LineageReader lineages,
    EventTail tail,
    ErasureStore erasures,
    IServiceProvider services
) : IEventLog
{
    private JsonSerializerOptions? _json;

    public JsonSerializerOptions Json => _json ??= ApplicationJson.Of(services);

    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        AppendOptions? options,
        CancellationToken cancellationToken
    ) => appender.AppendAsync(events, options?.Publisher, cancellationToken);

    public async Task<EventPage> ReadAsync(EventRead read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(read);
        return (await PageAsync(read, cancellationToken)).ToEventPage();
    }

    public async IAsyncEnumerable<EventPage> FollowPagesAsync(
        EventRead read,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(read);
        await foreach (
            var page in tail.FollowAsync(stop => PageAsync(read, stop), cancellationToken: cancellationToken)
        )
        {
            var found = page.ToEventPage();
            if (found.Events.Count == 0 && found.Next == read.After)
                continue;

            read = read with { After = found.Next };
            yield return found;
        }
    }

    public Task<ErasureResult> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(erasure);
        var given = erasure.Checked();
        return TellMistakesAsync(() => erasures.EraseAsync(given, cancellationToken));
    }

    private Task<LogPage> PageAsync(EventRead read, CancellationToken cancellationToken) =>
        TellMistakesAsync(async () =>
        {
            var after = read.After?.Position ?? 0;
            var page = await reader.ReadAsync(
                after,
                read.Filter,
                read.MaxEvents,
                mostBytes: read.MaxBytes,
                cancellationToken: cancellationToken
            );
            ResyncException.ThrowIfLost(read.After, page, await lineages.OfAsync(page.Epoch, cancellationToken));
            return page;
        });

    private static async Task<T> TellMistakesAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (StoreUnavailableException e)
            when (e.InnerException is { } refusal && StoreError.Mistake(refusal) != null)
        {
            throw new InvalidOperationException(e.Message, refusal);
        }
    }
}
