using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Starts the work of handlers, also for runs that this process has taken over from a lost process
/// (Schema/Functions/take_over_runs.sql).</summary>
internal sealed class RunRestarts(
    IEnumerable<NamedWork> handlers,
    IServiceScopeFactory scopes,
    RunAcquisition runs,
    IServiceProvider application,
    LiveRuns live,
    ProcessLease lease,
    IOptions<RunOptions> options
) : IHostedService
{
    private readonly Dictionary<string, NamedWork> _handlers = handlers.ToDictionary(
        h => h.Name,
        StringComparer.Ordinal
    );

    // Unlike an event, an input keeps its nulls, because it is deserialized to its type.
    private readonly JsonSerializerOptions _json = ApplicationJson.Of(application);

    /// <summary>Lets this process take runs over, even if it starts none.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lease.Handlers = [.. _handlers.Keys];
        lease.Restart = Restart;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <exception cref="ArgumentException">There is no such handler.</exception>
    public HandledWork WorkOf<TInput>(string handler, TInput input)
    {
        if (!_handlers.ContainsKey(handler))
            throw new ArgumentException(
                $"There is no handler '{handler}': AddSseRuns(runs => runs.AddHandler(…)) adds one.",
                nameof(handler)
            );

        var json = JsonSerializer.Serialize(input, _json.TypeOf<TInput>());
        return new HandledWork(handler, EventRules.Data(json), options.Value.MaxAttempts);
    }

    /// <summary>Does the work of a run, unless this process does it already: <see cref="ProcessLease"/> may have
    /// started the run before the store's answer arrived.</summary>
    public void Start(Run run, HandledWork work)
    {
        if (live.Find(run.Name) is null)
            _ = live.Start(run, r => DoAsync(r, work));
    }

    private void Restart(Guid writer, IReadOnlyList<HandledRun> handled)
    {
        foreach (var taken in handled)
        {
            var run = runs.TakenOver(taken, writer);
            if (taken.IsCancelled)
                run.Stop(StopReason.Cancelled);

            _ = live.Start(run, r => DoAsync(r, taken.Work));
        }
    }

    private async Task DoAsync(Run run, HandledWork work)
    {
        await using var scope = scopes.CreateAsyncScope();
        await _handlers[work.Handler].Work(scope.ServiceProvider, run, work.Input, _json, run.Stopping);
    }
}
