using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace EventStore;

/// <summary>
/// Appends events by group commit: what arrives while one batch is being committed goes into the next, many callers to one insert and
/// one fsync. Thread-safe. A caller's events stand in the log in the caller's order, and all of them or none.
/// </summary>
public sealed class EventAppender(NpgsqlDataSource store, IOptions<EventStoreOptions> options, ILogger<EventAppender> logger) : BackgroundService
{
    private readonly Channel<Request> _pending = Channel.CreateBounded<Request>(new BoundedChannelOptions(options.Value.MaxPendingAppends)
    {
        SingleReader = true, FullMode = BoundedChannelFullMode.Wait,
    });
    private bool _failing;

    /// <summary>
    /// Told of what was just committed here, in position order and without gaps, so that who streams it need not wait for it to come back. Events that were
    /// stored before, and refused ones, are not among it. Must not block.
    /// </summary>
    public event Action<CommittedEvents>? Committed;

    /// <summary>Appends and returns once the events are committed, in the order given. One that repeats an earlier one's id and content is answered as that one.</summary>
    /// <exception cref="EventConflictException">An id was used before for other content, or is here; nothing was appended.</exception>
    /// <exception cref="RunFencedException">An event is of a run that is not its writer's any more; nothing was appended.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or too many appends wait. Whether the events were committed is
    /// unknown; a retry with the same ids is safe.</exception>
    public async Task<IReadOnlyList<AppendedEvent>> AppendAsync(IReadOnlyList<NewEvent> events, CancellationToken cancellationToken = default)
    {
        if (events.Count == 0) return [];
        var (distinct, places) = WithoutRepeats(events);
        var request = new Request(distinct);
        if (!_pending.Writer.TryWrite(request)) throw new StoreUnavailableException("Too many events wait to be stored.");
        var appended = await request.Completion.Task.WaitAsync(cancellationToken);
        return places is null ? appended : [.. places.Select(place => appended[place])];
    }

    /// <summary>The events without those that repeat an id, and where each of all stands among them; null where none does.</summary>
    private static (IReadOnlyList<NewEvent> Distinct, List<int>? Places) WithoutRepeats(IReadOnlyList<NewEvent> events)
    {
        if (events.Count == 1 || events.Where(e => e.Id is not null).CountBy(e => e.Id!.Value).All(id => id.Value == 1)) return (events, null);
        var (distinct, places, byId) = (new List<NewEvent>(), new List<int>(), new Dictionary<Guid, int>());
        foreach (var e in events)
        {
            if (e.Id is { } id && !byId.TryAdd(id, distinct.Count))
            {
                if (!Request.Digest(e).AsSpan().SequenceEqual(Request.Digest(distinct[byId[id]]))) throw new EventConflictException([id]);
                places.Add(byId[id]);
                continue;
            }
            places.Add(distinct.Count);
            distinct.Add(e);
        }
        return (distinct, places);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new AppendBatch(options.Value);
        Request? carried = null;
        try
        {
            while (carried is not null || await _pending.Reader.WaitToReadAsync(stoppingToken))
            {
                batch.Clear();
                if (carried is not null) { batch.TryAdd(carried); carried = null; }
                while (carried is null && _pending.Reader.TryRead(out var request))
                    if (!batch.TryAdd(request)) carried = request;
                await CommitAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        finally
        {
            _pending.Writer.TryComplete();
            while (_pending.Reader.TryRead(out var late)) late.Completion.TrySetException(new StoreUnavailableException("The server is stopping."));
        }
    }

    private async Task CommitAsync(AppendBatch batch, CancellationToken stoppingToken)
    {
        var start = Stopwatch.GetTimestamp();
        using var span = StoreTracing.StartBatch("eventstore append", ActivityKind.Client, batch.TraceParents);
        span?.SetTag("messaging.batch.message_count", batch.Events);
        try
        {
            await using var command = store.CreateCommand("select positions, committed_at, first_position, coalesce(epoch, eventstore.epoch()) from eventstore.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
            batch.Bind(command.Parameters);
            await using var reader = await command.ExecuteReaderAsync(stoppingToken);
            await reader.ReadAsync(stoppingToken);
            var positions = await reader.GetFieldValueAsync<long?[]>(0, stoppingToken);
            var committedAt = reader.GetFieldValue<DateTimeOffset>(1);
            var (first, epoch) = (await reader.IsDBNullAsync(2, stoppingToken) ? default(long?) : reader.GetInt64(2), reader.GetString(3));
            // Committed only when the statement has ended: its row comes before that. Read on rather than closed: Close keeps a timeout to itself.
            while (await reader.NextResultAsync(stoppingToken)) { }
            batch.Complete(epoch, positions);
            if (_failing) logger.LogInformation("Postgres takes events again");
            _failing = false;
            StoreMetrics.Appended(batch.Events, Stopwatch.GetElapsedTime(start));
            if (Committed is { } told && first is { } from) told(new CommittedEvents(epoch, batch.Records(positions, from, committedAt)));
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // Once: while it is away each publish fails, and is answered so.
            if (!_failing && !stoppingToken.IsCancellationRequested) logger.LogWarning("Postgres does not take events: {Reason}", e.InnerException is TimeoutException late ? late.Message : e.Message);
            _failing = true;
            batch.Fail(new StoreUnavailableException("Postgres did not take the events.", e));
        }
        catch (Exception e)
        {
            batch.Fail(e);
        }
    }

    /// <summary>One caller's events and what they are answered with.</summary>
    internal sealed class Request(IReadOnlyList<NewEvent> events)
    {
        public IReadOnlyList<NewEvent> Events { get; } = events;
        public Guid[] Ids { get; } = [.. events.Select(e => e.Id ?? Guid.CreateVersion7())];
        public TaskCompletionSource<IReadOnlyList<AppendedEvent>> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>What must be equal for a retry to count as the same event.</summary>
        public static byte[] Digest(NewEvent e) => SHA256.HashData(Encoding.UTF8.GetBytes($"{e.Topic}\n{e.Type}\n{e.Key is not null}\n{e.Key}\n{e.Data}"));
    }
}

/// <summary>What one commit added to the log.</summary>
/// <param name="Epoch">The epoch that the positions belong to.</param>
/// <param name="Events">In position order, without gaps; at least one.</param>
public sealed record CommittedEvents(string Epoch, IReadOnlyList<EventRecord> Events);

/// <summary>The store cannot be reached or is overloaded; try again later (HTTP 503 with <c>Retry-After</c>).</summary>
public sealed class StoreUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
