using System.Runtime.CompilerServices;
using System.Text.Json;
using EventStore;

namespace Runs;

/// <summary>Stores the events of the runs that this process writes.</summary>
internal sealed class RunAppender(
    RunStore store,
    EventAppender appender,
    [FromKeyedServices(StorePool.Reads)] EventReader reader,
    Shutdown shutdown,
    IServiceProvider services,
    TimeProvider clock,
    ILogger<RunAppender> logger
)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(4);

    /// <summary>Writes the events of an application's own runs.</summary>
    public JsonSerializerOptions Json { get; } = RunJson.Of(services);

    /// <summary>Reads a run's events through its newest one.</summary>
    public async IAsyncEnumerable<EventRecord> ReadAsync(
        RunName name,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var filter = EventFilter.Of([name.Topic], [], []);
        var after = 0L;
        var head = long.MaxValue;

        while (after < head)
        {
            var page = await reader.ReadAsync(after, filter, cancellationToken: cancellationToken);
            head = Math.Min(head, page.Head);
            foreach (var record in page.Events)
                if (record.Position <= head)
                    yield return record;
            after = page.Through;
        }
    }

    /// <summary>Appends, and retries while the store is unavailable: with new ids, once it has refused the lost append
    /// for good. After a promotion the run continues only if none of its events is lost.</summary>
    public async Task AppendAsync(RunTail run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = Batch(run, events, ends);
        var isFenced = false;
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (isFenced && !await store.ConfirmAsync(run.Topic, run.Writer, run.LastStored, run.Known))
                    throw new RunFencedException(run.Topic);

                isFenced = false;

                if (attempt == 0)
                    await AppendAsync(run, batch);
                else if (await store.RefuseAppendAsync(run.Topic, batch[0].Id!.Value, run.Known))
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
                if (shutdown.IsStopped || run.IsFenced)
                    throw new RunFencedException(run.Topic);

                logger.LogDebug(
                    e,
                    "Run {Run} cannot be written, since the store is unavailable. It is retried",
                    run.Topic
                );
                await Task.Delay(Backoff.Delay(attempt, FirstDelay, MaxDelay), clock);
            }
        }
    }

    private async Task AppendAsync(RunTail run, NewEvent[] batch)
    {
        var appended = await appender.AppendAsync(batch, run.Client);
        run.Known = appended[^1].At.Position;
    }

    private static NewEvent[] Batch(RunTail run, IReadOnlyList<RunEvent> events, bool ends)
    {
        var batch = new NewEvent[events.Count];
        for (var i = 0; i < batch.Length; i++)
            batch[i] = NewEvent.Own(
                run.Topic,
                events[i].Type,
                events[i].Data,
                events[i].Key,
                Guid.CreateVersion7(),
                run: new RunMark(run.Writer, ends && i == batch.Length - 1)
            );

        return batch;
    }
}
