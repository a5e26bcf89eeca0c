using System.Runtime.CompilerServices;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Finds, reads (at most <see cref="RunOptions.MaxReadBytes"/> of events at once) and cancels the runs of all
/// replicas, and appends to their logs. <see cref="LiveRuns"/> has the runs that this process writes.</summary>
internal sealed class AllRuns(
    RunStore store,
    RunEventReader reader,
    TopicReader topics,
    EventAppender appender,
    [FromKeyedServices(StorePool.Reads)] EventReader events,
    IOptions<RunOptions> options
)
{
    public const string Announcement = "announced";
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CancelPollInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Appends to a run's log, even if this process does not write the run. An event with a known id is stored
    /// once.</summary>
    /// <param name="cancellationToken">Ends the wait; the event may be stored nevertheless.</param>
    public Task AppendAsync(
        RunName name,
        string client,
        RunEvent written,
        Guid? id,
        CancellationToken cancellationToken
    ) =>
        appender.AppendAsync(
            [NewEvent.Own(name.Log, written.Type, written.Data, written.Key, id, EventTracing.Current)],
            client,
            cancellationToken
        );

    public async Task<RunName?> FindAsync(string kind, StreamPosition id, CancellationToken cancellationToken) =>
        await topics.TopicAtAsync(id, cancellationToken) is { } topic
        && RunName.Of(topic) is { } name
        && name.Kind == kind
            ? name
            : null;

    /// <summary>Reads a run's events after a position, up to the newest one.</summary>
    public async IAsyncEnumerable<EventRecord> ReadAsync(
        RunName name,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filter = EventFilter.Of([name.Topic], [], []);
        var head = long.MaxValue;

        while (after < head)
        {
            var page = await events.ReadAsync(after, filter, cancellationToken: cancellationToken);
            head = Math.Min(head, page.Head);
            foreach (var record in page.Events)
                if (record.Position <= head)
                    yield return record;
            after = page.Through;
        }
    }

    public Task<RunExtent> ReadOldestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadOldestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    public Task<RunExtent> ReadNewestAsync(RunName name, Action<RunEntry> take, CancellationToken cancellationToken) =>
        reader.ReadNewestAsync(name.Topic, options.Value.MaxReadBytes, take, cancellationToken);

    /// <summary>Reads the log's oldest event, which is the run's announcement until retention drops it. Null if there
    /// is no such run.</summary>
    public Task<RunEntry?> FirstOfLogAsync(RunName name, CancellationToken cancellationToken) =>
        reader.FirstOfLogAsync(name.Topic, cancellationToken);

    public Task<RunEntry?> LastAsync(RunName name, CancellationToken cancellationToken) =>
        reader.LastAsync(name.Topic, cancellationToken);

    /// <summary>Returns true while a replica writes the run.</summary>
    public Task<bool> IsRunningAsync(RunName name, CancellationToken cancellationToken) =>
        reader.IsRunningAsync(name.Topic, cancellationToken);

    public Task<LogStart?> LogStartAsync(RunName name, CancellationToken cancellationToken) =>
        store.LogStartAsync(name.Topic, cancellationToken);

    /// <summary>Reads the user whose request began the run, or null if the request was anonymous.</summary>
    public Task<string?> OwnerAsync(RunName name, CancellationToken cancellationToken) =>
        store.OwnerAsync(name.Topic, cancellationToken);

    /// <summary>Asks the run's writer, on any replica, to stop, and waits up to two seconds for the run's
    /// end.</summary>
    public async Task CancelAndWaitAsync(RunName name, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (!await CancelAsync(name, cancellationToken))
            return;

        var start = clock.GetTimestamp();
        while (await IsRunningAsync(name, cancellationToken) && clock.GetElapsedTime(start) < CancelTimeout)
            await Task.Delay(CancelPollInterval, clock, cancellationToken);
    }

    /// <summary>Asks the run's writer, on any replica, to stop. Returns false if no replica writes the run.</summary>
    public Task<bool> CancelAsync(RunName name, CancellationToken cancellationToken) =>
        store.CancelAsync(name.Topic, cancellationToken);
}
