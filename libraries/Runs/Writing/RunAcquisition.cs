using System.Collections.Concurrent;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Feed;

namespace Runs;

/// <summary>Begins and acquires runs for this process, and releases them; the announcement is first, so that any id
/// names its run.</summary>
internal sealed class RunAcquisition(
    RunStore store,
    ProcessLease lease,
    LiveFeed feed,
    RunAppender appender,
    IOptions<SseOptions> streaming
)
{
    /// <summary>Runs that may be acquired, because the answer was lost; released before the next try.</summary>
    private readonly ConcurrentDictionary<RunName, Guid> _unconfirmed = [];

    private static readonly RunEvent[] Interrupted =
    [
        RunEvent.Failed("The server stopped before the run was complete.", "interrupted"),
    ];

    /// <summary>Announces a run and acquires it; pass it to <see cref="LiveRuns"/>. If the store's answer is lost,
    /// <see cref="ProcessLease"/> ends the run.</summary>
    /// <param name="id">Its id. Null creates one. A run with a known id is not begun again.</param>
    /// <param name="closingEvents">Events that end the run if this replica fails, or null for a fatal error.</param>
    /// <param name="handled">What another replica starts again instead, if this one fails. Null if there is
    /// nothing.</param>
    /// <param name="cancellationToken">Cancels the wait, not the announcement.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or this replica has no lease.</exception>
    public async Task<BegunRun> BeginAsync(
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
        var writer = await lease.WriterAsync(cancellationToken);
        // Not cancelled with the request: an announced run without a writer would block its own topic.
        var (isNew, announced) =
            await store.BeginAnnouncedAsync(
                name.Topic,
                writer,
                RunJson.Write(closingEvents ?? Interrupted),
                JsonSerializer.Serialize(announcement, RunJson.Options.GetTypeInfo(announcement.GetType())),
                EventTracing.Current,
                handled
            ) ?? throw NoLease();

        var run = isNew
            ? new Run(name, writer, announced, announced.Position, client, appender)
            {
                MayRestart = handled is { Attempts: > 1 },
            }
            : null;
        return new BegunRun(name, announced, run);
    }

    /// <summary>Returns a run that a writer of this replica has taken over.</summary>
    public Run TakenOver(HandledRun taken, Guid writer) =>
        new(RunName.Of(taken.Topic)!.Value, writer, default, taken.At, client: taken.Topic, appender)
        {
            Attempt = taken.Attempt,
            MayRestart = taken.Attempt < taken.Work.Attempts,
        };

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
        var writer = await lease.WriterAsync(CancellationToken.None);
        await ReleaseUnconfirmedAsync(name);

        bool? begun;
        try
        {
            begun = await store.BeginAsync(name.Topic, writer, RunJson.Write(closingEvents));
        }
        catch (StoreUnavailableException)
        {
            _unconfirmed[name] = writer;
            throw;
        }

        return begun switch
        {
            true => new Run(name, writer, default, after, client, appender),
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

        await store.ReleaseAsync(name.Topic, before);
        _unconfirmed.TryRemove(name, out _);
    }

    public static StoreUnavailableException NoLease(Exception? inner = null) =>
        new("This replica lost its lease on runs. Try again in some seconds.", inner);

    /// <summary>Releases a run that has nothing to write; without an answer the next acquisition here does.</summary>
    public async Task ReleaseAsync(Run run)
    {
        try
        {
            await store.ReleaseAsync(run.Name.Topic, run.Writer);
        }
        catch (StoreUnavailableException)
        {
            _unconfirmed[run.Name] = run.Writer;
        }
    }

    /// <summary>Asks the other replicas to continue a run without a writer: the next sweep ends it without an event,
    /// and <see cref="ProcessLease.Swept"/> names it there.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task HandOverAsync(RunName name) => store.HandOverAsync(name.Topic, streaming.Value.Replica);
}
