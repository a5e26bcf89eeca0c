using System.Collections.Concurrent;
using System.Diagnostics;

namespace Runs;

/// <summary>
/// The runs that this replica writes, which continue without readers until they end, are cancelled, or have used up
/// <see cref="RunOptions.DrainSeconds"/> at shutdown. A cancel may reach any replica: Schema/Functions/cancel_run.sql
/// notifies all of them, and <see cref="ProcessLease"/> passes the cancel on to this class.
/// </summary>
internal sealed class LiveRuns : IHostedService, IDisposable
{
    private static readonly ActivitySource Source = new("AspireSse.StreamApi");

    /// <summary>Time for work to return after it was cancelled.</summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(5);

    /// <summary>Time for work to return after the shutdown of its process has stopped it.</summary>
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Run, Task> _live = new();
    private readonly Shutdown _shutdown;
    private readonly TimeProvider _clock;
    private readonly ILogger<LiveRuns> _logger;
    private readonly CancellationTokenRegistration _interrupting;

    public LiveRuns(Shutdown shutdown, TimeProvider clock, ILogger<LiveRuns> logger)
    {
        _shutdown = shutdown;
        _clock = clock;
        _logger = logger;
        _interrupting = shutdown.GraceExpired.Register(() => Stop(StopReason.Interrupted, _ => true));
    }

    public int Count => _live.Count;

    /// <summary>Returns the topics of the runs that this process writes.</summary>
    public HashSet<string> Topics() => [.. _live.Keys.Select(run => run.Name.Topic)];

    /// <summary>Returns the run of a name, or null if this process does not write it.</summary>
    public Run? Find(RunName name) => _live.Keys.FirstOrDefault(run => run.Name == name);

    /// <summary>
    /// Does a run's work in the background until the work returns; <see cref="Run.Stopping"/> asks it to stop. Then the
    /// run ends, with a fatal error if the work was stopped, unless another process may restart it after this one's
    /// shutdown.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="work">Its work.</param>
    /// <param name="endedAsync">Called once the run has ended, or null.</param>
    public Task Start(Run run, Func<Run, Task> work, Func<Task>? endedAsync = null)
    {
        // The work keeps the request's trace, but not its execution context.
        var trace = Activity.Current?.Context ?? default;
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task task;
        using (ExecutionContext.SuppressFlow())
            task = Task.Run(async () =>
            {
                await begun.Task;
                await DoAsync(run, work, trace);
                await (endedAsync?.Invoke() ?? Task.CompletedTask);
            });

        _live[run] = task;

        if (_shutdown.GraceExpired.IsCancellationRequested)
            run.Stop(StopReason.Interrupted);

        begun.SetResult();
        return task;
    }

    /// <summary>Stops a run that was cancelled, if this process writes it.</summary>
    public void Cancel(string topic) => Stop(StopReason.Cancelled, run => run.Name.Topic == topic);

    /// <summary>Stops the runs of a writer that has lost its lease.</summary>
    public void Fence(Guid writer) => Stop(StopReason.Fenced, run => run.Writer == writer);

    private void Stop(StopReason reason, Func<Run, bool> stops)
    {
        foreach (var run in _live.Keys)
            if (stops(run))
                run.Stop(reason);
    }

    private async Task DoAsync(Run run, Func<Run, Task> work, ActivityContext trace)
    {
        using var span = Source.StartActivity($"run {run.Name.Kind}", ActivityKind.Internal, trace);
        span?.SetTag("run.id", run.Id);
        var working = Task.CompletedTask;

        try
        {
            IReadOnlyList<RunEvent>? end = null;
            var isComplete = false;
            try
            {
                working = Task.Run(() => work(run), CancellationToken.None);
                await UntilDoneAsync(run, working);
                // Work that returns because it was asked to stop is not complete.
                isComplete = run.StopReason == StopReason.None;
            }
            catch (OperationCanceledException) when (run.StopReason != StopReason.None) { }
            catch (RunFencedException)
            {
                return;
            }
            catch (Exception e)
            {
                end = run.EndOf(e) ?? Failed(run, e);
            }

            if (isComplete)
                end = [new RunEvent(Run.EndType, "{}")];
            else if (run.StopReason == StopReason.Cancelled)
                end = run.EndOf(null) ?? [RunEvent.Failed("The run was cancelled.", "cancelled")];
            else if (run.StopReason == StopReason.Interrupted && run.MayRestart)
                return;

            if (!run.Ended)
                await run.EndAsync(end ?? run.ClosingEvents);
        }
        catch (RunFencedException) { }
        finally
        {
            _live.TryRemove(run, out _);
            _ = DisposeAsync(run, working);
        }
    }

    private RunEvent[] Failed(Run run, Exception failure)
    {
        _logger.LogError(failure, "Run {Run} failed", run.Name.Topic);
        return [RunEvent.Failed("The server failed. Its log has the reason.", "failed")];
    }

    /// <summary>Waits until the work returns. If the work ignores a stop, the run ends without it.</summary>
    private async Task UntilDoneAsync(Run run, Task working)
    {
        await Task.WhenAny(working, run.Stopped);

        var grace = run.StopReason == StopReason.Interrupted ? StopGrace : CancelGrace;
        while (!working.IsCompleted)
        {
            // An append waits while Postgres does not answer, and may be the append of the run's end.
            if (await working.EndsWithinAsync(grace, _clock) || run.IsAppending)
                continue;

            _logger.LogWarning(
                "The work of run {Run} goes on after the run's end: it ignores its cancellation token",
                run.Name.Topic
            );
            throw new OperationCanceledException();
        }

        await working;
    }

    private static async Task DisposeAsync(Run run, Task working)
    {
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ((IDisposable)run).Dispose();
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_live.Values).WaitAsync(cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);

    public void Dispose() => _interrupting.Dispose();
}
