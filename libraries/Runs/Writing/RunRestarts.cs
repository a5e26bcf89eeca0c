using System.Text.Json;
using EventStore;
using Microsoft.Extensions.Options;

namespace Runs;

/// <summary>Starts the work of handlers, also of runs that this process has taken over from one that was lost
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
        // Unlike an event, an input may need its nulls: it is read back as its type.
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

    /// <summary>Does the work of a run, unless the answer to its begin was so late that it goes on already.</summary>
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

    // A service of the host, so that runs are taken over in a process that starts none.
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
