namespace Runs;

/// <summary>Announces runs, and has <see cref="LiveRuns"/> do their work.</summary>
internal sealed class RunStarter(RunStore store, LiveRuns live, RunLog log) : IRuns
{
    /// <summary>Starts a run, unless it was begun before; the work does not end with its request.</summary>
    /// <inheritdoc cref="RunStore.BeginAsync"/>
    public async Task<RunStart> StartAsync(
        string kind,
        string client,
        object announcement,
        Func<Run, Task> work,
        string? id = null,
        IReadOnlyList<RunEvent>? closingEvents = null,
        CancellationToken cancellationToken = default
    )
    {
        var start = await store.BeginAsync(kind, client, announcement, id, closingEvents, cancellationToken);
        if (start.Run is { } run)
            _ = live.Start(run, work);
        return start;
    }

    public async Task<bool> StartAsync(
        EventTopic topic,
        Func<Run, CancellationToken, Task> work,
        CancellationToken cancellationToken
    )
    {
        if (RunName.Of(topic) is not { } name)
            throw new ArgumentException(
                topic.Refusal
                    ?? "A run's topic has two tokens or more ([A-Za-z0-9_-]), no wildcard, and does not end in .log."
            );

        var start = await StartAsync(
            name.Kind,
            client: name.Topic,
            new RunAnnouncement(),
            run => CompleteAsync(run, work),
            name.Id,
            cancellationToken: cancellationToken
        );

        return start.Run is not null;
    }

    public async Task<bool> CancelAsync(EventTopic topic, CancellationToken cancellationToken) =>
        RunName.Of(topic) is { } name && await log.CancelAsync(name, cancellationToken);

    /// <summary>Starts a run with an id of its own.</summary>
    public Task<RunStart> StartAsync(
        string kind,
        string client,
        string? owner,
        Func<Run, CancellationToken, Task> work,
        CancellationToken cancellationToken
    ) =>
        StartAsync(
            kind,
            client,
            new RunAnnouncement(Owner: owner),
            run => CompleteAsync(run, work),
            cancellationToken: cancellationToken
        );

    private static async Task CompleteAsync(Run run, Func<Run, CancellationToken, Task> work)
    {
        await work(run, run.Stopping);
        // Work that returns because it was asked to stop is not complete: the run ends with that reason.
        if (run.StopReason == RunStop.None && !run.Ended)
            await run.EndAsync(new RunEvent(Run.EndType, "{}"));
    }
}
