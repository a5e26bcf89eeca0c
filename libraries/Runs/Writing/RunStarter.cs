using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Announces runs, and passes their work to <see cref="LiveRuns"/>; also the work of handlers for runs that
/// this process has taken over from a lost process (Schema/Functions/take_over_runs.sql).</summary>
internal sealed class RunStarter(
    RunAcquisition acquisition,
    LiveRuns live,
    RunStore runs,
    ProcessLease lease,
    IEnumerable<NamedWork> handlers,
    IServiceProvider application,
    IOptions<RunOptions> options
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

    /// <summary>Starts a run, unless it was begun before. The work does not end with the request.</summary>
    /// <inheritdoc cref="RunAcquisition.BeginAsync"/>
    public async Task<BegunRun> StartAsync(RunStart start, Func<Run, Task> work, CancellationToken cancellationToken)
    {
        var begun = await acquisition.BeginAsync(start, cancellationToken);

        // The store's answer may be so late that ProcessLease has found the run without its work, and started its
        // handler.
        if (begun.Run is { } run && (start.Handled is null || live.Find(run.Name) is null))
            _ = live.Start(run, work);
        return begun;
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
        var handled = new HandledWork(handler, EventRules.Data(json), options.Value.MaxAttempts);
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
        return (await StartAsync(start, work, cancellationToken)).Run is not null;
    }

    private void Restart(Guid writer, IReadOnlyList<HandledRun> handled)
    {
        foreach (var taken in handled)
        {
            var run = acquisition.TakenOver(taken, writer);
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
