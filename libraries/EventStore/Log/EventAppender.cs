using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>
/// Appends events by group commit: what arrives while one batch is being committed goes into the next, many callers to
/// one insert and
/// one fsync. Thread-safe. A caller's events stand in the log in the caller's order, and all of them or none.
/// </summary>
public sealed class EventAppender(
    [FromKeyedServices(StorePool.Appends)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    ILogger<EventAppender> logger
) : RestartingService(logger)
{
    private readonly AppendQueue _pending = new(options.Value.MaxPendingBytes);
    private bool _failing;

    /// <summary>
    /// Told of what was just committed here, in position order and without gaps, so that who streams it need not wait
    /// for it to come back. Events that were
    /// stored before, and refused ones, are not among it. Must not block.
    /// </summary>
    public event Action<CommittedEvents>? Committed;

    /// <summary>Appends and returns once the events are committed, in the order given. One that repeats an earlier
    /// one's id and content is answered as that one.</summary>
    /// <exception cref="EventConflictException">An id was used before for other content, or is here; nothing was
    /// appended.</exception>
    /// <exception cref="RunFencedException">An event is of a run that is not its writer's any more; nothing was
    /// appended.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or too many bytes wait. Whether the events
    /// were committed is
    /// unknown; a retry with the same ids is safe.</exception>
    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken = default
    ) => AppendAsync(events, events.Count > 0 ? events[0].Topic : "", cancellationToken);

    /// <summary>Appends for a publisher: those that publish at the same time share the log by bytes, however much each
    /// has waiting.</summary>
    /// <param name="events">In the order that they shall have.</param>
    /// <param name="publisher">Who shares with the others; without one, the first event's topic.</param>
    /// <param name="cancellationToken">Ends the wait; the events may be stored nevertheless.</param>
    public async Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        string publisher,
        CancellationToken cancellationToken = default
    )
    {
        if (events.Count == 0)
            return [];
        var (distinct, places) = WithoutRepeats(events);
        var request = new Request(distinct, publisher);
        _pending.Add(request);
        var appended = await request.Completion.Task.WaitAsync(cancellationToken);
        return places is null ? appended : [.. places.Select(place => appended[place])];
    }

    /// <summary>The events without those that repeat an id, and where each of all stands among them; null where none
    /// does.</summary>
    private static (IReadOnlyList<NewEvent> Distinct, List<int>? Places) WithoutRepeats(IReadOnlyList<NewEvent> events)
    {
        if (events.Count == 1 || events.Where(e => e.Id is not null).CountBy(e => e.Id!.Value).All(id => id.Value == 1))
            return (events, null);
        var (distinct, places, byId) = (new List<NewEvent>(), new List<int>(), new Dictionary<Guid, int>());
        foreach (var e in events)
        {
            if (e.Id is { } id && !byId.TryAdd(id, distinct.Count))
            {
                if (!Request.Digest(e).AsSpan().SequenceEqual(Request.Digest(distinct[byId[id]])))
                    throw new EventConflictException([id]);
                places.Add(byId[id]);
                continue;
            }
            places.Add(distinct.Count);
            distinct.Add(e);
        }
        return (distinct, places);
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        var batch = new AppendBatch(options.Value);
        Request? carried = null;
        try
        {
            while (true)
            {
                var next = carried ?? _pending.Take();
                carried = null;
                if (next is null)
                {
                    await _pending.WaitAsync(stoppingToken);
                    continue;
                }
                batch.Clear();
                for (; next is not null && batch.TryAdd(next); next = _pending.Take()) { }
                carried = next;
                await CommitAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        catch (Exception e)
        {
            // Its callers would wait for ever; the next ones are served again.
            batch.Fail(e);
            carried?.Completion.TrySetException(e);
            throw;
        }
        finally
        {
            if (stoppingToken.IsCancellationRequested)
            {
                var stopping = new StoreUnavailableException("The server is stopping.");
                foreach (var late in _pending.Close())
                    late.Completion.TrySetException(stopping);
                carried?.Completion.TrySetException(stopping);
            }
        }
    }

    private async Task CommitAsync(AppendBatch batch, CancellationToken stoppingToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var span = StoreTracing.StartBatch("eventstore append", ActivityKind.Client, batch.TraceParents);
        span?.SetTag("messaging.batch.message_count", batch.Events);
        try
        {
            await using var command = store.CreateCommand(
                "select positions, committed_at, first_position, coalesce(epoch, eventstore.epoch()) from eventstore.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            );
            batch.Bind(command.Parameters);
            await using var reader = await command.ExecuteReaderAsync(stoppingToken);
            await reader.ReadAsync(stoppingToken);
            var positions = await reader.GetFieldValueAsync<long?[]>(0, stoppingToken);
            var committedAt = reader.GetFieldValue<DateTimeOffset>(1);
            var (first, epoch) = (
                await reader.IsDBNullAsync(2, stoppingToken) ? default(long?) : reader.GetInt64(2),
                reader.GetString(3)
            );
            // Committed only when the statement has ended: its row comes before that. Read on rather than closed: Close
            // keeps a timeout to itself.
            while (await reader.NextResultAsync(stoppingToken)) { }
            batch.Complete(epoch, positions);
            if (_failing)
                Logger.LogInformation("Postgres takes events again");
            _failing = false;
            StoreMetrics.Appended(batch.Events, Stopwatch.GetElapsedTime(start));
            if (Committed is { } told && first is { } from)
                told(new CommittedEvents(epoch, batch.Records(positions, from, committedAt)));
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // Once: while it is away each publish fails, and is answered so.
            if (!_failing && !stoppingToken.IsCancellationRequested)
                Logger.LogWarning(
                    "Postgres does not take events: {Reason}",
                    e.InnerException is TimeoutException late ? late.Message : e.Message
                );
            _failing = true;
            batch.Fail(new StoreUnavailableException("Postgres did not take the events.", e));
        }
        catch (Exception e)
        {
            batch.Fail(e);
        }
    }

    /// <summary>One caller's events and what they are answered with.</summary>
    internal sealed class Request
    {
        /// <summary>Bytes of memory that an event takes beside its texts, rounded up.</summary>
        private const int EventBytes = 512;

        public Request(IReadOnlyList<NewEvent> events, string publisher)
        {
            (Events, Publisher, Ids) = (events, publisher, [.. events.Select(e => e.Id ?? Guid.CreateVersion7())]);
            foreach (var e in events)
            {
                DataBytes += Encoding.UTF8.GetByteCount(e.Data);
                Bytes +=
                    EventBytes + sizeof(char) * (e.Topic.Length + e.Type.Length + e.Data.Length + (e.Key?.Length ?? 0));
            }
        }

        public IReadOnlyList<NewEvent> Events { get; }
        public string Publisher { get; }

        /// <summary>Bytes of data in the log.</summary>
        public long DataBytes { get; }

        /// <summary>Bytes of memory until they are there.</summary>
        public long Bytes { get; }
        public Guid[] Ids { get; }
        public TaskCompletionSource<IReadOnlyList<AppendedEvent>> Completion { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>What must be equal for a retry to count as the same event.</summary>
        public static byte[] Digest(NewEvent e) =>
            SHA256.HashData(Encoding.UTF8.GetBytes($"{e.Topic}\n{e.Type}\n{e.Key is not null}\n{e.Key}\n{e.Data}"));
    }
}

/// <summary>What one commit added to the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Events">In position order, without gaps; at least one.</param>
public sealed record CommittedEvents(string Epoch, IReadOnlyList<EventRecord> Events);

/// <summary>The store cannot be reached or is overloaded; try again later (HTTP 503 with <c>Retry-After</c>).</summary>
public class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>More bytes wait to be stored than may; nothing of the request was appended.</summary>
public sealed class AppendQueueFullException() : StoreUnavailableException("Too many bytes wait to be stored.");
