using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace EventStore;

/// <summary>Appends events by group commit: requests that arrive during a commit share the next insert and fsync.
/// Thread-safe. The events of a call are stored in the order given, all or none.</summary>
/// <remarks>
/// 1. A request drops repeats of an id, and waits in the queue.
/// 2. Requests become a batch, until one does not fit.
/// 3. One commit stores it.
/// 4. The streams of this process, and those of others, get the new events.
/// 5. Each request gets the positions of its events, or is refused.
/// </remarks>
internal sealed class EventAppender(
    [FromKeyedServices(StorePool.Appends)] NpgsqlDataSource store,
    IOptions<EventStoreOptions> options,
    TimeProvider clock,
    ILogger<EventAppender> logger,
    ICommitPublisher? direct = null
) : LateStoppingService(logger, clock)
{
    private readonly AppendQueue _pending = new(options.Value.MaxPendingBytes);
    private readonly Lock _starting = new();
    private volatile bool _started;
    private bool _failing;

    /// <summary>Requests that wait for a commit.</summary>
    internal int Pending => _pending.Count;

    /// <summary>Passes on the new events of each commit, in position order and one call at a time, so that streams can
    /// write them before they come back through Redis. A handler must not block.</summary>
    public event Action<CommittedEvents>? Committed;

    /// <summary>Appends events and returns them, in the order given, once they are committed. An event that repeats the
    /// id and the content of an earlier one gets the earlier one's place.</summary>
    /// <exception cref="EventConflictException">An id was used for other content; nothing was appended.</exception>
    /// <exception cref="RunFencedException">A run no longer belongs to its writer; nothing was appended.</exception>
    /// <exception cref="AppendQueueFullException">Too many bytes wait; nothing was appended.</exception>
    /// <exception cref="StoreUnavailableException">Postgres has not confirmed the events, which may be stored; a retry
    /// with the same ids is safe.</exception>
    /// <exception cref="InvalidOperationException">The schema is missing, or the role lacks a right.</exception>
    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        CancellationToken cancellationToken = default
    ) => AppendAsync(events, publisher: null, cancellationToken);

    /// <summary>Appends events for a publisher; publishers share the log by bytes, however much each has
    /// waiting.</summary>
    /// <param name="publisher">A name, or null for the first event's topic.</param>
    /// <param name="cancellationToken">Ends the wait; the events may be stored nevertheless, unless it was cancelled
    /// before the call.</param>
    /// <inheritdoc cref="AppendAsync(IReadOnlyList{NewEvent}, CancellationToken)" path="/exception"/>
    public Task<IReadOnlyList<AppendedEvent>> AppendAsync(
        IReadOnlyList<NewEvent> events,
        string? publisher,
        CancellationToken cancellationToken = default
    )
    {
        var given = EventRules.Copy(events);
        return AppendCopyAsync(given, publisher ?? given.FirstOrDefault()?.Topic ?? "", cancellationToken);
    }

    private async Task<IReadOnlyList<AppendedEvent>> AppendCopyAsync(
        NewEvent[] events,
        string publisher,
        CancellationToken cancellationToken
    )
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (events.Length == 0)
            return [];

        // 1. Drop repeats of an id, and wait in the queue.
        var (distinct, places) = WithoutRepeats(events);
        var request = new Request(distinct, publisher);
        _pending.Add(request);
        if (!_started)
            await StartAsync(CancellationToken.None);

        var start = Clock.GetTimestamp();
        try
        {
            var appended = await request.Completion.Task.WaitAsync(cancellationToken);
            return places is null ? appended : [.. places.Select(place => appended[place])];
        }
        finally
        {
            AppendMetrics.Published(Clock.GetElapsedTime(start));
        }
    }

    /// <summary>Drops repeats of an id. <c>Places</c> has the index in <c>Distinct</c> of each given event, or is null
    /// if no id repeats.</summary>
    private static (IReadOnlyList<NewEvent> Distinct, List<int>? Places) WithoutRepeats(NewEvent[] events)
    {
        if (
            events.Length == 1
            || events.Where(e => e.Id is not null).CountBy(e => e.Id!.Value).All(count => count.Value == 1)
        )
            return (events, null);

        var distinct = new List<NewEvent>();
        var places = new List<int>();
        var byId = new Dictionary<Guid, int>();

        foreach (var published in events)
        {
            if (published.Id is { } id && !byId.TryAdd(id, distinct.Count))
            {
                if (!Request.Digest(published).AsSpan().SequenceEqual(Request.Digest(distinct[byId[id]])))
                    throw new EventConflictException([id]);
                places.Add(byId[id]);
                continue;
            }

            places.Add(distinct.Count);
            distinct.Add(published);
        }

        return (distinct, places);
    }

    /// <summary>Starts the commits once, with the host or with an earlier append, such as one of seed data.</summary>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        lock (_starting)
        {
            if (_started)
                return Task.CompletedTask;
            _started = true;

            using var apart = CallerContext.Suppress();
            return base.StartAsync(CancellationToken.None);
        }
    }

    public override async Task StoppedAsync(CancellationToken cancellationToken)
    {
        await base.StoppedAsync(cancellationToken);
        _pending.Close();
    }

    public override void Dispose()
    {
        base.Dispose();
        _pending.Close();
    }

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

                // 2. Requests become a batch, until one does not fit or repeats an id of the batch: that one is carried
                // over.
                batch.Clear();
                while (next is not null && batch.TryAdd(next))
                    next = _pending.Take();
                carried = next;

                batch = await CommitAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested) { }
        catch (Exception e)
        {
            // The callers of this batch would wait forever. The service starts again for the next ones.
            batch.Fail(e);
            carried?.Completion.TrySetException(e);
            throw;
        }
        finally
        {
            if (stoppingToken.IsCancellationRequested)
            {
                _pending.Close();
                carried?.Completion.TrySetException(AppendQueue.Stopping());
            }
        }
    }

    /// <summary>Stores a batch and answers its requests. Returns the batch to use for the next requests.</summary>
    private async Task<AppendBatch> CommitAsync(AppendBatch batch, CancellationToken stoppingToken)
    {
        var reusable = batch;
        var start = Clock.GetTimestamp();
        using var span = EventTracing.StartBatch(
            "eventstore append",
            ActivityKind.Client,
            batch.TraceParents,
            batch.Events
        );

        try
        {
            // 3. One commit stores it.
            var isSent = direct?.Takes(batch.Bytes) == true;
            batch.IsDirect = isSent && direct!.IsHeard;
            var stored = await store.RunAsync(
                """
                select positions, committed_at, first_position, epoch, previous
                from eventstore.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                """,
                batch.StoreAsync,
                stoppingToken
            );

            // 4. The streams get the new events. There are none if all were retries, or refused.
            if (stored.First is { } first && (Committed is not null || isSent))
                PassOn(batch.Committed(stored, first), isSent);

            // 5. Each request gets the positions of its events, or is refused.
            batch.Complete(stored.Epoch, stored.Positions);

            if (_failing)
                Logger.LogInformation("Postgres stores events again");
            _failing = false;

            AppendMetrics.Appended(batch.Events, Clock.GetElapsedTime(start));
        }
        catch (Exception e) when (StoreError.IsOfData(e))
        {
            reusable = new AppendBatch(options.Value);
            await CommitApartAsync(batch, e, stoppingToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // The command may still read this batch.
            reusable = new AppendBatch(options.Value);

            var mistake = StoreError.Mistake(e);
            // Logged once per outage: every append fails until the outage ends, and its caller gets the reason.
            if (!_failing && !stoppingToken.IsCancellationRequested)
                Logger.LogWarning(
                    "Postgres does not store events, so appends fail until it does: {Reason}",
                    mistake ?? (e.InnerException is TimeoutException late ? late.Message : e.Message)
                );

            _failing = true;
            batch.Fail(
                mistake is null
                    ? new StoreUnavailableException("Postgres did not confirm the events.", e)
                    : new InvalidOperationException(mistake, e)
            );
        }
        catch (Exception e)
        {
            // A defect. Nobody knows how far the command has come.
            reusable = new AppendBatch(options.Value);
            batch.Fail(e);
        }

        return reusable;
    }

    private void PassOn(CommittedEvents commit, bool isSent)
    {
        Committed?.Invoke(commit);
        if (isSent)
            direct!.Publish(commit);
    }

    /// <summary>Stores the requests of a refused batch one by one, so that only the request whose data Postgres refuses
    /// fails.</summary>
    private async Task CommitApartAsync(AppendBatch batch, Exception refused, CancellationToken stoppingToken)
    {
        if (batch.Requests.Count == 1)
        {
            batch.Fail(new ArgumentException($"Postgres refuses the events: {refused.Message}", refused));
            return;
        }

        var alone = new AppendBatch(options.Value);
        foreach (var request in batch.Requests)
        {
            alone.Clear();
            alone.TryAdd(request);
            alone = await CommitAsync(alone, stoppingToken);
        }
    }

    internal sealed class Request
    {
        /// <summary>Bytes of memory per event beside its texts, rounded up.</summary>
        private const int EventBytes = 512;

        public Request(IReadOnlyList<NewEvent> events, string publisher)
        {
            Events = events;
            Publisher = publisher;
            Ids = new Guid[events.Count];
            Digests = new byte[events.Count][];

            for (var i = 0; i < events.Count; i++)
            {
                var published = events[i];
                Ids[i] = published.Id ?? Guid.CreateVersion7();
                // Computed here, on the publisher's thread, because commits run one at a time.
                Digests[i] = ChosenId(published) is null ? null : Digest(published);
                DataBytes += Encoding.UTF8.GetByteCount(published.Data);
                Bytes +=
                    EventBytes
                    + sizeof(char)
                        * (
                            published.Topic.Length
                            + published.Type.Length
                            + published.Data.Length
                            + (published.Key?.Length ?? 0)
                        );
            }
        }

        public IReadOnlyList<NewEvent> Events { get; }
        public string Publisher { get; }

        public long DataBytes { get; }

        /// <summary>Bytes of memory.</summary>
        public long Bytes { get; }
        public Guid[] Ids { get; }

        /// <summary>Digests of the content that a retry must repeat, or null for an event without a chosen
        /// id.</summary>
        public byte[]?[] Digests { get; }
        public TaskCompletionSource<IReadOnlyList<AppendedEvent>> Completion { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Returns the id that the publisher chose, or null without one; the events of a run have no chosen
        /// id.</summary>
        public static Guid? ChosenId(NewEvent published) => published.Run is null ? published.Id : null;

        public static byte[] Digest(NewEvent given) =>
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    $"{given.Topic}\n{given.Type}\n{given.Key is not null}\n{given.Key}\n{given.Data}"
                )
            );
    }
}
