namespace Runs;

/// <summary>Announces runs, and passes their work to <see cref="LiveRuns"/>.</summary>
internal sealed class RunStarter(RunAcquisition acquisition, LiveRuns live, AllRuns runs, RunRestarts restarts) : IRuns
{
    /// <summary>Starts a run, unless it was begun before. The work does not end with the request.</summary>
    /// <inheritdoc cref="RunAcquisition.BeginAsync"/>
    public async Task<BegunRun> StartAsync(
        string kind,
        string client,
        object announcement,
        Func<Run, Task> work,
        string? id = null,
        IReadOnlyList<RunEvent>? closingEvents = null,
        CancellationToken cancellationToken = default
    )
    {
        var start = await acquisition.BeginAsync(
            kind,
            client,
            announcement,
            id,
            closingEvents,
            null,
            cancellationToken
        );
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
        ArgumentNullException.ThrowIfNull(work);
        var name = NameOf(topic);
        var start = await StartAsync(
            name.Kind,
            client: name.Topic,
            new RunAnnouncement(),
            run => work(run, run.Stopping),
            name.Id,
            cancellationToken: cancellationToken
        );

        return start.Run is not null;
    }

    public async Task<bool> StartAsync<TInput>(
        EventTopic topic,
        string handler,
        TInput input,
        CancellationToken cancellationToken
    )
    {
        var name = NameOf(topic);
        var work = restarts.WorkOf(handler, input);
        var start = await acquisition.BeginAsync(
            name.Kind,
            client: name.Topic,
            new RunAnnouncement(),
            name.Id,
            cancellationToken: cancellationToken,
            handled: work
        );

        if (start.Run is { } run)
            restarts.Start(run, work);
        return start.Run is not null;
    }

    private static RunName NameOf(EventTopic topic) =>
        RunName.Of(topic)
        ?? throw new ArgumentException(
            topic.Refusal
                ?? "A run's topic has two tokens or more ([A-Za-z0-9_-]), no wildcard, and does not end in .log."
        );

    public async Task<bool> CancelAsync(EventTopic topic, CancellationToken cancellationToken) =>
        RunName.Of(topic) is { } name && await runs.CancelAsync(name, cancellationToken);
}
