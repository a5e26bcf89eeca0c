using System.Collections.Concurrent;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Feed;

namespace Runs;

/// <summary>Begins, acquires and releases runs for this process. The announcement is stored before all events, so that
/// every id that a client gets belongs to the run.</summary>
internal sealed class RunAcquisition(
    RunStore store,
    ProcessLease lease,
    LiveFeed feed,
    RunAppender appender,
    IOptions<SseOptions> streaming
)
{
    /// <summary>Runs that this process may hold, because the store's answer was lost. They are released before the next
    /// try.</summary>
    private readonly ConcurrentDictionary<RunName, Guid> _unconfirmed = [];

    /// <summary>Announces a run and acquires it; the caller passes the run to <see cref="LiveRuns"/>. If the store's
    /// answer is lost, <see cref="ProcessLease"/> ends the run.</summary>
    /// <param name="cancellationToken">Cancels the wait, not the announcement.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or this replica has no lease.</exception>
    public async Task<BegunRun> BeginAsync(RunStart start, CancellationToken cancellationToken)
    {
        await feed.UntilStartedAsync(cancellationToken);
        var writer = await lease.WriterAsync(cancellationToken);
        // Not cancelled with the request: an announced run without a writer would block its own topic.
        var (isNew, announced) =
            await store.BeginAnnouncedAsync(
                start.Name.Topic,
                writer,
                RunJson.Write(start.ClosingEvents),
                start.Announcement,
                EventTracing.Current,
                start.Handled
            ) ?? throw NoLease();

        var run = isNew
            ? new Run(start.Name, writer, announced.Position, start.Client, appender, start.ClosingEvents)
            {
                MayRestart = start.Handled is { Attempts: > 1 },
            }
            : null;
        return new BegunRun(start.Name, announced, run);
    }

    /// <summary>Returns a run that a writer of this replica has taken over.</summary>
    public Run TakenOver(HandledRun taken, Guid writer) =>
        new(RunName.Of(taken.Topic)!.Value, writer, taken.At, client: taken.Topic, appender, Run.Interrupted)
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
            true => new Run(name, writer, after, client, appender, closingEvents),
            false => null,
            null => throw NoLease(),
        };
    }

    /// <summary>Releases a run that this replica may hold without writing it, because the store's answer was
    /// lost.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task ReleaseUnconfirmedAsync(RunName name)
    {
        if (!_unconfirmed.TryGetValue(name, out var before))
            return;

        await store.ReleaseAsync(name.Topic, before);
        _unconfirmed.TryRemove(name, out _);
    }

    private static StoreUnavailableException NoLease() =>
        new("This replica lost its lease on runs. Try again in some seconds.");

    /// <summary>Releases a run that has nothing to write. If the store does not answer, the next acquisition by this
    /// process releases it.</summary>
    public async Task ReleaseAsync(Run run)
    {
        run.MarkEnded();
        try
        {
            await store.ReleaseAsync(run.Name.Topic, run.Writer);
        }
        catch (StoreUnavailableException)
        {
            _unconfirmed[run.Name] = run.Writer;
        }
    }

    /// <summary>Asks the other replicas to continue a run without a writer: the next sweep ends the run without an
    /// event, and <see cref="ProcessLease.Swept"/> names the run on the replica that sweeps.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task HandOverAsync(RunName name) => store.HandOverAsync(name.Topic, streaming.Value.Replica);
}

/// <summary>A run to begin. A run with a known name is not begun again.</summary>
/// <param name="Client">The client whose share of the log its events use.</param>
/// <param name="Announcement">JSON of the event that announces it.</param>
internal sealed record RunStart(RunName Name, string Client, string Announcement)
{
    /// <summary>Events that end the run if this replica fails; without other ones, a fatal error.</summary>
    public IReadOnlyList<RunEvent> ClosingEvents { get; init; } = Run.Interrupted;

    /// <summary>Work that another replica starts again if this one fails, instead of ending the run. Null if there is
    /// none.</summary>
    public HandledWork? Handled { get; init; }
}

/// <param name="Announced">Position of the run's announcement; a reader that starts after it gets the whole
/// run.</param>
/// <param name="Run">The run to write, or null if an earlier request began it.</param>
internal readonly record struct BegunRun(RunName Name, StreamPosition Announced, Run? Run);
