using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Starts the work of handlers, also for runs that this process has taken over from a lost process
/// (Schema/Functions/take_over_runs.sql).</summary>
internal sealed class RunRestarts : IHostedService
{
    private readonly Dictionary<string, NamedWork> _handlers;
    private readonly IServiceScopeFactory _scopes;
    private readonly RunAcquisition _runs;
    private readonly JsonSerializerOptions _json;
    private readonly LiveRuns _live;
    private readonly int _maxAttempts;

    public RunRestarts(
        IEnumerable<NamedWork> handlers,
        IServiceScopeFactory scopes,
        RunAcquisition runs,
        IServiceProvider application,
        LiveRuns live,
        ProcessLease lease,
        IOptions<RunOptions> options
    )
    {
        _handlers = handlers.ToDictionary(handler => handler.Name, StringComparer.Ordinal);
        _scopes = scopes;
        _runs = runs;
        // Unlike an event, an input keeps its nulls, because it is deserialized to its type.
        _json = ApplicationJson.Of(application);
        _live = live;
        _maxAttempts = options.Value.MaxAttempts;
        lease.Handlers = [.. _handlers.Keys];
        lease.Restart = (writer, handled) =>
        {
            foreach (var taken in handled)
                Restart(taken, writer);
        };
    }

    /// <exception cref="ArgumentException">There is no such handler.</exception>
    public HandledWork WorkOf<TInput>(string handler, TInput input)
    {
        if (!_handlers.ContainsKey(handler))
            throw new ArgumentException(
                $"There is no handler '{handler}': AddSseRuns(runs => runs.AddHandler(…)) adds one.",
                nameof(handler)
            );

        var json = JsonSerializer.Serialize(input, _json.TypeOf<TInput>());
        return new HandledWork(handler, EventRules.Data(json), _maxAttempts);
    }

    /// <summary>Does the work of a run, unless this process does it already: <see cref="ProcessLease"/> may have
    /// started the run before the store's answer arrived.</summary>
    public void Start(Run run, HandledWork work)
    {
        if (!_live.Has(run.Name))
            _ = _live.Start(run, r => RunStarter.CompleteAsync(r, (_, stop) => DoAsync(r, work, stop)));
    }

    private void Restart(HandledRun taken, Guid writer)
    {
        var run = _runs.TakenOver(taken, writer);
        if (taken.IsCancelled)
            run.Stop(StopReason.Cancelled);

        _ = _live.Start(run, r => RunStarter.CompleteAsync(r, (_, stop) => DoAsync(r, taken.Work, stop)));
    }

    private async Task DoAsync(Run run, HandledWork work, CancellationToken stop)
    {
        await using var scope = _scopes.CreateAsyncScope();
        await _handlers[work.Handler].Work(scope.ServiceProvider, run, work.Input, _json, stop);
    }

    // This is a service of the host, so that a process takes runs over even if it starts none.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
