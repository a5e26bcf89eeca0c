using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Feed;

namespace Runs;

/// <summary>
/// The runs as the store knows them. A run is announced in the log before its first event, so that every id of its
/// stream names it, and
/// any replica finds it by such an id.
/// </summary>
internal sealed class RunLog(
    RunRegistry registry,
    EventAppender appender,
    RunReader reader,
    TopicReader topics,
    RunLeases leases,
    LiveFeed feed,
    IOptions<RunOptions> options,
    ILogger<RunLog> logger
)
{
    public const string Announcement = "announced";

    /// <summary>Runs with an id of their own that may or may not have begun, since Postgres did not answer, and for
    /// whom. They are given up before they are begun again.</summary>
    private readonly ConcurrentDictionary<RunName, Guid> _unsure = [];

    private static readonly RunEvent[] DefaultWill =
    [
        RunEvent.Failed("The server that wrote this stopped before it was finished.", "interrupted"),
    ];

    /// <summary>
    /// Announces and starts a run: from here on it is this replica's, and goes on until it is ended. Give it to
    /// <see cref="LiveRuns"/>. Where the answer of the store is lost, a run that was begun all the same is ended by
    /// <see cref="RunLeases"/>.
    /// </summary>
    /// <param name="kind">First token of its topic.</param>
    /// <param name="announcement">What a reader of the run's state finds first.</param>
    /// <param name="id">Its id, where it has one already; null makes one. A run of this id that was announced before is
    /// not begun again.</param>
    /// <param name="will">What ends the run in this replica's place if that dies; null: a fatal error,
    /// <c>interrupted</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<RunStart> BeginAsync(
        string kind,
        object announcement,
        string? id = null,
        IReadOnlyList<RunEvent>? will = null,
        CancellationToken cancellationToken = default
    )
    {
        await feed.Started.WaitAsync(cancellationToken);
        var name = new RunName(kind, id ?? Guid.CreateVersion7().ToString("N"));
        var writer = await leases.WriterAsync(cancellationToken);
        // Not cancelled with the request: the run would begin without a writer.
        var (isNew, announced) =
            await registry.BeginAnnouncedAsync(
                name.Topic,
                writer,
                JsonSerializer.Serialize(will ?? DefaultWill, RunJson.Options),
                JsonSerializer.Serialize(announcement, RunJson.Options),
                Activity.Current?.Id
            ) ?? throw new StoreUnavailableException("This server's lease was just lost.");
        return new RunStart(name, announced, isNew ? new Run(name, writer, announced, this) : null);
    }

    /// <summary>Takes a run that was announced before, for a part of its work.</summary>
    /// <returns>Null where somebody writes it already.</returns>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async Task<Run?> TryTakeAsync(RunName name, IReadOnlyList<RunEvent> will)
    {
        await feed.Started;
        var writer = await leases.WriterAsync(CancellationToken.None);
        if (_unsure.TryGetValue(name, out var before))
        {
            await registry.ReleaseAsync(name.Topic, before);
            _unsure.TryRemove(name, out _);
        }
        try
        {
            return await registry.BeginAsync(name.Topic, writer, JsonSerializer.Serialize(will, RunJson.Options))
                ? new Run(name, writer, default, this)
                : null;
        }
        catch (StoreUnavailableException)
        {
            _unsure[name] = writer;
            throw;
        }
    }

    /// <summary>The run that an id names; null where it names none of this kind.</summary>
    public async Task<RunName?> FindAsync(string kind, StreamId id, CancellationToken cancellationToken) =>
        await topics.TopicAtAsync(id, cancellationToken) is { } topic
        && RunName.Of(topic) is { } name
        && name.Kind == kind
            ? name
            : null;

    /// <summary>Reads a run from its start, in bounded bytes (<see cref="RunOptions.MaxReadBytes"/>).</summary>
    public Task<RunExtent> ReadOldestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadOldestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>Reads the newest of a run, in bounded bytes.</summary>
    public Task<RunExtent> ReadNewestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadNewestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>Reads messages and answers up to and with one message, in bounded bytes: the newest.</summary>
    public Task<RunExtent> ReadConversationAsync(
        RunName name,
        RunEntry message,
        Action<RunEntry> take,
        CancellationToken cancellationToken
    ) =>
        reader.ReadConversationAsync(name.Topic, message.Position, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>The event that a run was announced with; null where there is no such run.</summary>
    public Task<RunEntry?> AnnouncementAsync(RunName name, CancellationToken cancellationToken) =>
        reader.AnnouncementAsync(name.Topic, cancellationToken);

    /// <summary>The first message that nobody has answered.</summary>
    public Task<RunEntry?> PendingAsync(RunName name, CancellationToken cancellationToken) =>
        reader.PendingAsync(name.Topic, cancellationToken);

    /// <summary>The newest event of a run's stream.</summary>
    public Task<RunEntry?> LastAsync(RunName name, CancellationToken cancellationToken) =>
        reader.LastAsync(name.Topic, cancellationToken);

    /// <summary>Whether somebody writes the run.</summary>
    public Task<bool> GoesOnAsync(RunName name, CancellationToken cancellationToken) =>
        reader.GoesOnAsync(name.Topic, cancellationToken);

    /// <summary>Where a run was announced; null where there is no such run.</summary>
    public Task<StreamId?> AnnouncedAsync(RunName name, CancellationToken cancellationToken) =>
        registry.AnnouncedAsync(name.Topic, cancellationToken);

    /// <summary>The user whose request began the run; null where nobody was named.</summary>
    public Task<string?> OwnerAsync(RunName name, CancellationToken cancellationToken) =>
        registry.OwnerAsync(name.Topic, cancellationToken);

    /// <summary>Asks the writer, on whichever replica, to stop. False where no such run goes on.</summary>
    public Task<bool> CancelAsync(RunName name, CancellationToken cancellationToken) =>
        registry.CancelAsync(name.Topic, cancellationToken);

    /// <summary>Gives up a run that turned out to have nothing to write.</summary>
    public Task ReleaseAsync(Run run) => registry.ReleaseAsync(run.Name.Topic, run.Writer);

    /// <summary>
    /// Puts an event into a run's log, whoever writes the run. One with an id goes in once, however often it is noted.
    /// </summary>
    public Task NoteAsync(RunName name, RunEvent e, Guid? id, CancellationToken cancellationToken) =>
        appender.AppendAsync(
            [new NewEvent(name.Log, e.Type, e.Data, e.Key, id, TraceParent: Activity.Current?.Id)],
            cancellationToken
        );

    /// <summary>Appends, and tries again while the store is away: what was stored by a try that got no answer is not
    /// stored twice.</summary>
    public async Task AppendAsync(Run run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = new NewEvent[events.Count];
        for (var i = 0; i < batch.Length; i++)
            batch[i] = new NewEvent(
                run.Name.Topic,
                events[i].Type,
                events[i].Data,
                events[i].Key,
                Guid.CreateVersion7(),
                Run: new RunMark(run.Writer, ends && i == batch.Length - 1)
            );
        for (var delay = 100; ; delay = Math.Min(delay * 2, 2_000))
        {
            try
            {
                if (delay > 100 && await registry.IsStoredAsync(run.Name.Topic, batch[0].Id!.Value))
                    return;
                await appender.AppendAsync(batch);
                return;
            }
            catch (StoreUnavailableException e)
            {
                // Fenced would be known by the lease; a stopping server leaves the run to the others, who end it by its
                // will.
                if (leases.Stopped || run.StopReason == RunStop.Fenced)
                    throw new RunFencedException(run.Name.Topic);
                logger.LogDebug(e, "Run {Run} waits for the store", run.Name.Topic);
                await Task.Delay(delay + Random.Shared.Next(delay));
            }
        }
    }
}

/// <summary>A run that was asked for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Announced">A reader that starts after this gets it whole.</param>
/// <param name="Run">The run to write; null where it was begun before.</param>
internal readonly record struct RunStart(RunName Name, StreamId Announced, Run? Run);
