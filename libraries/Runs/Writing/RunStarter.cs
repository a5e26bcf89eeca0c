using System.Text.Json;
using Microsoft.Extensions.Options;
using Streaming.Feed;

namespace Runs;

/// <summary>Announces runs, and passes their work to <see cref="LiveRuns"/>; also the work of handlers for runs that
/// this process has taken over from a lost process (Schema/Functions/take_over_runs.sql).</summary>
internal sealed class RunStarter(
    RunStore runs,
    ProcessLease lease,
    LiveFeed feed,
    RunAppender appender,
    LiveRuns live,
    IEnumerable<NamedWork> handlers,
    IServiceProvider application
) : IRuns, IHostedService
{
    private readonly Dictionary<string, NamedWork> _handlers = handlers.ToDictionary(
        h => h.Name,
        StringComparer.Ordinal
    );

    /// <summary>Checks the name of a run before the run starts, in the flow of a request that may only rejoin
    /// one.</summary>
    public static AsyncLocal<Func<RunName, Task>?> Check { get; } = new();

    // Unlike an event, an input keeps its nulls, because it is deserialized to its type.
    private readonly JsonSerializerOptions _json = ApplicationJson.Of(application);

    /// <summary>Lets this process take runs over, even if it starts none.</summary>
    Task IHostedService.StartAsync(CancellationToken cancellationToken)
    {
        lease.Handlers = [.. _handlers.Keys];
        lease.Restart = Restart;
        return Task.CompletedTask;
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Announces a run and starts its work, unless it was begun before. The announcement is stored before all
    /// events, so that every id that a client gets belongs to the run.</summary>
    /// <remarks>If the store's answer is lost, <see cref="ProcessLease"/> ends the run.</remarks>
    /// <param name="work">The work, which does not end with the request.</param>
    /// <param name="cancellationToken">Cancels the wait, not the announcement.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer, or this replica has no lease.</exception>
    public async Task<BegunRun> StartAsync(RunStart start, Func<Run, Task> work, CancellationToken cancellationToken)
    {
        await feed.UntilStartedAsync(cancellationToken);
        var writer = await lease.WriterAsync(cancellationToken);
        // Not cancelled with the request: an announced run without a writer would block its own topic.
        var (isNew, announced) =
            await runs.BeginAnnouncedAsync(
                start.Name.Topic,
                writer,
                RunJson.Write(start.ClosingEvents),
                start.Announcement,
                EventTracing.Current,
                start.Handled
            ) ?? throw ProcessLease.Lost();

        // The store's answer may be so late that ProcessLease has found the run without its work, and started its
        // handler.
        if (isNew && (start.Handled is null || live.Find(start.Name) is null))
            _ = live.Start(
                new Run(start.Name, writer, announced.Position, start.Client, appender, start.ClosingEvents)
                {
                    MayRestart = start.Handled is { Attempts: > 1 },
                },
                work
            );
        return new BegunRun(start.Name, announced, isNew);
    }

    public Task<bool> StartAsync(
        EventTopic topic,
        Func<Run, CancellationToken, Task> work,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        return StartAsync(topic, run => work(run, run.Stopping), handled: null, cancellationToken);
    }

    /// <exception cref="ArgumentException">There is no such handler.</exception>
    public Task<bool> StartAsync<TInput>(
        EventTopic topic,
        string handler,
        TInput input,
        CancellationToken cancellationToken
    )
    {
        if (!_handlers.ContainsKey(handler))
            throw new ArgumentException(
                $"There is no handler '{handler}': AddSseRuns(runs => runs.AddHandler(…)) adds one.",
                nameof(handler)
            );

        var json = JsonSerializer.Serialize(input, _json.TypeOf<TInput>());
        var handled = new HandledWork(
            handler,
            EventRules.Data(json),
            application.GetRequiredService<IOptions<RunOptions>>().Value.MaxAttempts
        );
        return StartAsync(topic, run => DoAsync(run, handled), handled, cancellationToken);
    }

    public async Task<bool> CancelAsync(EventTopic topic, CancellationToken cancellationToken) =>
        RunName.Of(topic) is { } name && await runs.CancelAsync(name.Topic, cancellationToken);

    private async Task<bool> StartAsync(
        EventTopic topic,
        Func<Run, Task> work,
        HandledWork? handled,
        CancellationToken cancellationToken
    )
    {
        var name =
            RunName.Of(topic)
            ?? throw new ArgumentException(
                topic.Refusal
                    ?? "A run's topic has two tokens or more ([A-Za-z0-9_-]), no wildcard, and does not end in .log."
            );

        if (Check.Value is { } checkAsync)
            await checkAsync(name);

        var start = new RunStart(name, Client: name.Topic, RunJson.Write(new RunAnnouncement())) { Handled = handled };
        return (await StartAsync(start, work, cancellationToken)).IsNew;
    }

    private void Restart(Guid writer, IReadOnlyList<HandledRun> handled)
    {
        foreach (var taken in handled)
        {
            var name = RunName.Of(taken.Topic)!.Value;
            var run = new Run(name, writer, taken.At, client: taken.Topic, appender, Run.Interrupted)
            {
                Attempt = taken.Attempt,
                MayRestart = taken.Attempt < taken.Work.Attempts,
            };
            if (taken.IsCancelled)
                run.Stop(StopReason.Cancelled);

            _ = live.Start(run, r => DoAsync(r, taken.Work));
        }
    }

    private async Task DoAsync(Run run, HandledWork work)
    {
        await using var scope = application.CreateAsyncScope();
        await _handlers[work.Handler].Work(scope.ServiceProvider, run, work.Input, _json, run.Stopping);
    }
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
/// <param name="IsNew">False if an earlier request began it.</param>
internal readonly record struct BegunRun(RunName Name, StreamPosition Announced, bool IsNew);
