using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using EventStore;
using Streaming.Feed;

namespace Runs;

/// <summary>Begins runs and stores their events; the announcement is first, so that any id names its run.</summary>
internal sealed class RunStore(
    RunRegistry registry,
    EventAppender appender,
    RunLeases leases,
    LiveFeed feed,
    RunSettings settings,
    TimeProvider clock,
    ILogger<RunStore> logger
)
{
    /// <summary>How the events of an application's own runs are written.</summary>
    public JsonSerializerOptions Json => settings.Json;

    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(4);

    /// <summary>Runs that may be acquired, because the answer was lost; released before the next try.</summary>
    private readonly ConcurrentDictionary<RunName, Guid> _unconfirmed = [];

    private static readonly RunEvent[] Interrupted =
    [
        RunEvent.Failed("The server stopped before the run was complete.", "interrupted"),
    ];

    /// <summary>Announces a run and acquires it; pass it to <see cref="LiveRuns"/>. If the store's answer is lost,
    /// <see cref="RunLeases"/> ends the run.</summary>
    /// <param name="id">Its id. Null creates one. A run with a known id is not begun again.</param>
    /// <param name="closingEvents">Events that end the run if this replica fails, or null for a fatal error.</param>
    /// <param name="handled">What another replica starts again instead, if this one fails. Null if there is
    /// nothing.</param>
    /// <param name="cancellationToken">Cancels the wait, not the announcement.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or this replica has no lease.</exception>
    public async Task<RunStart> BeginAsync(
        string kind,
        string client,
        object announcement,
        string? id = null,
        IReadOnlyList<RunEvent>? closingEvents = null,
        HandledWork? handled = null,
        CancellationToken cancellationToken = default
    )
    {
        await feed.UntilStartedAsync(cancellationToken);

        var name = new RunName(kind, id ?? Guid.CreateVersion7().ToString("N"));
        var writer = await leases.WriterAsync(cancellationToken);
        // Not cancelled with the request: an announced run without a writer would block its own topic.
        var (isNew, announced) =
            await registry.BeginAnnouncedAsync(
                name.Topic,
                writer,
                RunJson.Write(closingEvents ?? Interrupted),
                JsonSerializer.Serialize(announcement, RunJson.Options.GetTypeInfo(announcement.GetType())),
                StoreTracing.Current,
                handled
            ) ?? throw NoLease();

        var run = isNew
            ? new Run(name, writer, announced, announced.Position, client, this)
            {
                MayRestart = handled is { Attempts: > 1 },
            }
            : null;
        return new RunStart(name, announced, run);
    }

    /// <summary>Returns a run that a writer of this replica has taken over.</summary>
    public Run TakenOver(HandledRun taken, Guid writer) =>
        new(RunName.Of(taken.Topic)!.Value, writer, default, taken.At, client: taken.Topic, this)
        {
            Attempt = taken.Attempt,
            MayRestart = taken.Attempt < taken.Work.Attempts,
        };

    /// <summary>Reads a run's events through its newest one.</summary>
    public async IAsyncEnumerable<EventRecord> ReadAsync(
        RunName name,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filter = EventFilter.Of([name.Topic], [], []);
        var (after, head) = (0L, long.MaxValue);

        while (after < head)
        {
            var page = await settings.Reader.ReadAsync(after, filter, cancellationToken: cancellationToken);
            head = Math.Min(head, page.Head);
            foreach (var record in page.Events)
                if (record.Position <= head)
                    yield return record;
            after = page.Through;
        }
    }

    /// <summary>Acquires an announced run for a part of its work. Null if a replica already writes it.</summary>
    /// <param name="after">Position of the event that the part answers.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or this replica has no lease.</exception>
    public async Task<Run?> TryAcquireAsync(
        RunName name,
        string client,
        long after,
        IReadOnlyList<RunEvent> closingEvents
    )
    {
        await feed.Started;
        var writer = await leases.WriterAsync(CancellationToken.None);
        await ReleaseUnconfirmedAsync(name);

        bool? begun;
        try
        {
            begun = await registry.BeginAsync(name.Topic, writer, RunJson.Write(closingEvents));
        }
        catch (StoreUnavailableException)
        {
            _unconfirmed[name] = writer;
            throw;
        }

        return begun switch
        {
            true => new Run(name, writer, default, after, client, this),
            false => null,
            null => throw NoLease(),
        };
    }

    /// <summary>Releases a run that this replica may hold without writing it, because an answer was lost.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task ReleaseUnconfirmedAsync(RunName name)
    {
        if (!_unconfirmed.TryGetValue(name, out var before))
            return;

        await registry.ReleaseAsync(name.Topic, before);
        _unconfirmed.TryRemove(name, out _);
    }

    public static StoreUnavailableException NoLease(Exception? inner = null) =>
        new("This replica lost its lease on runs. Try again in some seconds.", inner);

    /// <summary>Releases a run that has nothing to write; without an answer the next acquisition here does.</summary>
    public async Task ReleaseAsync(Run run)
    {
        try
        {
            await registry.ReleaseAsync(run.Name.Topic, run.Writer);
        }
        catch (StoreUnavailableException)
        {
            _unconfirmed[run.Name] = run.Writer;
        }
    }

    /// <summary>Asks the other replicas to continue a run without a writer: the next sweep ends it without an event,
    /// and <see cref="RunLeases.Swept"/> names it there.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task HandOverAsync(RunName name) => registry.HandOverAsync(name.Topic, settings.Replica);

    /// <summary>Appends to a run's log, also without its lease. An event with a known id is stored once.</summary>
    /// <param name="cancellationToken">Ends the wait; the event may be stored nevertheless.</param>
    public Task AppendToLogAsync(
        RunName name,
        string client,
        RunEvent written,
        Guid? id,
        CancellationToken cancellationToken
    ) =>
        appender.AppendAsync(
            [NewEvent.Own(name.Log, written.Type, written.Data, written.Key, id, StoreTracing.Current)],
            client,
            cancellationToken
        );

    /// <summary>Appends, and retries while the store is unavailable: with new ids, once it has refused the lost append
    /// for good. After a promotion the run continues only if none of its events is lost.</summary>
    public async Task AppendAsync(Run run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = Batch(run, events, ends);
        var isFenced = false;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (isFenced && !await registry.ConfirmAsync(run.Name.Topic, run.Writer, run.LastStored, run.Known))
                    throw new RunFencedException(run.Name.Topic);

                isFenced = false;

                if (attempt == 0)
                    await AppendAsync(run, batch);
                else if (await registry.RefuseAppendAsync(run.Name.Topic, batch[0].Id!.Value, run.Known))
                    await AppendAsync(run, batch = Batch(run, events, ends));

                run.LastStored = batch[^1].Id;
                return;
            }
            catch (RunFencedException) when (!isFenced)
            {
                // The run has ended, or a new epoch must confirm that the store has the earlier events.
                isFenced = true;
            }
            catch (StoreUnavailableException e)
            {
                // A stopped server leaves the run to the other replicas, which end it with its closing events.
                if (leases.Stopped || run.StopReason == RunStop.Fenced)
                    throw new RunFencedException(run.Name.Topic);

                logger.LogDebug(
                    e,
                    "Run {Run} cannot be written, since the store is unavailable. It is retried",
                    run.Name.Topic
                );
                await Task.Delay(Backoff.Delay(attempt, FirstDelay, MaxDelay), clock);
            }
        }
    }

    private async Task AppendAsync(Run run, NewEvent[] batch)
    {
        var appended = await appender.AppendAsync(batch, run.Client);
        run.Known = appended[^1].At.Position;
    }

    private static NewEvent[] Batch(Run run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = new NewEvent[events.Count];
        for (var i = 0; i < batch.Length; i++)
            batch[i] = NewEvent.Own(
                run.Name.Topic,
                events[i].Type,
                events[i].Data,
                events[i].Key,
                Guid.CreateVersion7(),
                run: new RunMark(run.Writer, ends && i == batch.Length - 1)
            );

        return batch;
    }
}

/// <param name="Announced">Position of its announcement; a reader that starts after it gets the whole run.</param>
/// <param name="Run">The run to write, or null if it was begun before.</param>
internal readonly record struct RunStart(RunName Name, StreamPosition Announced, Run? Run);
