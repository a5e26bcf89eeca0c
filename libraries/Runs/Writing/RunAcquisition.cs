using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Streaming.Feed;

namespace Runs;

/// <summary>Acquires and releases runs that were announced before, for parts of their work, such as the turns of a
/// session.</summary>
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
            null => throw ProcessLease.Lost(),
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
