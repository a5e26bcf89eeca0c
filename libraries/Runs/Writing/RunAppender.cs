using System.Text.Json;

namespace Runs;

/// <summary>Stores the events of the runs that this process writes, and of the logs of all runs.</summary>
internal sealed class RunAppender(
    RunStore store,
    EventAppender appender,
    [FromKeyedServices(StorePool.Reads)] EventReader events,
    Shutdown shutdown,
    IServiceProvider services,
    TimeProvider clock,
    ILogger<RunAppender> logger
)
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(4);

    /// <summary>JSON options for the events of the application's runs.</summary>
    public JsonSerializerOptions Json { get; } = RunJson.Of(services);

    /// <summary>Reads a run's events, up to the newest one.</summary>
    public IAsyncEnumerable<EventRecord> ReadAsync(RunName name, CancellationToken cancellationToken) =>
        events.ReadTopicAsync(name.Topic, after: 0, cancellationToken);

    /// <summary>Appends to a run's log, even if this process does not write the run. An event with a known id is stored
    /// once.</summary>
    /// <param name="cancellationToken">Ends the wait; the event may be stored nevertheless.</param>
    public Task AppendToLogAsync(
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

    /// <summary>Appends events, and retries while the store is unavailable, with new ids after the store has promised
    /// to refuse the lost append. After a promotion the run continues only if the store still has its events.</summary>
    public async Task AppendAsync(Run run, IReadOnlyList<RunEvent> events, bool ends)
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
                // Either the run has ended, or the store has a new epoch and must confirm that it has the earlier
                // events.
                isFenced = true;
            }
            catch (StoreUnavailableException e)
            {
                // A stopped server leaves the run to the other replicas, which end it with its closing events.
                if (shutdown.IsStopped || run.StopReason == StopReason.Fenced)
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

    /// <summary>Replaces the events that end a run if this process is lost, and retries while the store is
    /// unavailable.</summary>
    public async Task CloseWithAsync(Run run, IReadOnlyList<RunEvent> events)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (!await store.CloseWithAsync(run.Topic, run.Writer, RunJson.Write(events)))
                    throw new RunFencedException(run.Topic);
                return;
            }
            catch (StoreUnavailableException) when (!shutdown.IsStopped && run.StopReason != StopReason.Fenced)
            {
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
