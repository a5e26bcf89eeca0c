// Part of the stand-in for NBomber: runs the scenarios. Not affiliated with NBomber LLC.
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using NBomber.Contracts;
using NBomber.Contracts.Stats;

namespace NBomber.Running;

/// <summary>Runs one scenario: starts copies by its schedule and collects their measurements.</summary>
[SuppressMessage(
    "Design",
    "CA1001:Types that own disposable fields should be disposable",
    Justification = "An iteration that outlives the completion timeout still reads the token; the source has no timer."
)]
internal sealed class ScenarioRun(Session session, ScenarioProps props, int index)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<string, Measurements> _steps = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly CancellationTokenSource _over = new();
    private readonly List<ScenarioCopy> _copies = [];
    private Measurements _whole = new();
    private long _startedAt,
        _endedAt;
    private int _numbers,
        _injecting;

    public Session Session => session;
    public ScenarioProps Props => props;
    public Schedule Schedule { get; private set; } = new(props.LoadSimulations);
    public TimeSpan Elapsed =>
        _startedAt == 0
            ? TimeSpan.Zero
            : Stopwatch.GetElapsedTime(_startedAt, _endedAt == 0 ? Stopwatch.GetTimestamp() : _endedAt);
    public int Copies => _copies.Count + Volatile.Read(ref _injecting);
    public Measurements Whole => _whole;
    public bool IsOver => _over.IsCancellationRequested;

    public void Stop() => _over.Cancel();

    public void Record(string? step, IResponse response, TimeSpan elapsed, bool warmUp)
    {
        if (warmUp)
            return;
        (step is null ? _whole : _steps.GetOrAdd(step, static _ => new Measurements())).Record(response, elapsed);
        if (step is null && response.IsError && _whole.FailCount >= props.MaxFailCount)
            session.Stop(null, $"{props.ScenarioName} has failed {props.MaxFailCount} times (MaxFailCount).");
    }

    /// <summary>Runs the first simulation unmeasured. Its copies end before measuring begins.</summary>
    public async Task WarmUpAsync(TimeSpan duration)
    {
        var (all, first) = (Schedule, props.LoadSimulations.FirstOrDefault(s => s is not LoadSimulation.Pause));
        if (first is null || props.Run is null)
            return;
        using var warm = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        Schedule = new Schedule([first with { During = duration }]);
        await RunScheduleAsync(warmUp: true, warm).ConfigureAwait(false);
        Schedule = all;
    }

    public async Task RunAsync()
    {
        _startedAt = Stopwatch.GetTimestamp();
        if (props.Run is not null)
            await RunScheduleAsync(warmUp: false, _over).ConfigureAwait(false);
        _over.Cancel();
        _endedAt = Stopwatch.GetTimestamp();
    }

    private async Task RunScheduleAsync(bool warmUp, CancellationTokenSource over)
    {
        var started = Stopwatch.GetTimestamp();
        var injections = Task.Run(() => InjectAsync(started, warmUp, over.Token), CancellationToken.None);
        while (
            Stopwatch.GetElapsedTime(started) is var elapsed
            && elapsed < Schedule.Duration
            && !over.IsCancellationRequested
        )
        {
            Resize(Schedule.CopiesAt(elapsed), warmUp, over.Token);
            await WaitAsync(Min(Interval, Schedule.Duration - elapsed), over.Token).ConfigureAwait(false);
        }
        foreach (var copy in _copies)
            copy.Stop();
        await injections.ConfigureAwait(false);
        over.Cancel();
        var rest = Task.WhenAll(_running.Keys);
        await Task.WhenAny(rest, Task.Delay(session.CompletionTimeout, CancellationToken.None)).ConfigureAwait(false);
        _copies.Clear();
    }

    private void Resize(int copies, bool warmUp, CancellationToken over)
    {
        for (; _copies.Count > copies; _copies.RemoveAt(_copies.Count - 1))
            _copies[^1].Stop();
        while (_copies.Count < copies)
        {
            var copy = new ScenarioCopy(this, ++_numbers, warmUp, over);
            _copies.Add(copy);
            Keep(copy.IterateAsync());
        }
    }

    private async Task InjectAsync(long started, bool warmUp, CancellationToken over)
    {
        foreach (var (due, count) in Schedule.Injections())
        {
            if (due - Stopwatch.GetElapsedTime(started) is var early && early > TimeSpan.Zero)
                await WaitAsync(early, over).ConfigureAwait(false);
            if (over.IsCancellationRequested)
                return;
            var dueAt = started + (long)(due.TotalSeconds * Stopwatch.Frequency);
            for (var i = 0; i < count; i++)
            {
                var copy = new ScenarioCopy(this, Interlocked.Increment(ref _numbers), warmUp, over);
                // On the thread pool, because a copy's synchronous start must not delay the next copy.
                Keep(Task.Run(() => InjectedAsync(copy, dueAt), CancellationToken.None));
            }
        }
    }

    private async Task InjectedAsync(ScenarioCopy copy, long dueAt)
    {
        Interlocked.Increment(ref _injecting);
        try
        {
            await copy.RunOnceAsync(dueAt).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _injecting);
        }
    }

    private void Keep(Task task)
    {
        _running.TryAdd(task, true);
        task.ContinueWith(
            static (done, running) => ((ConcurrentDictionary<Task, bool>)running!).TryRemove(done, out _),
            _running,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    public ScenarioStats Stats(OperationType operation)
    {
        var (ok, fail) = _whole.Stats(Elapsed);
        var steps = _steps
            .OrderBy(s => s.Key, StringComparer.Ordinal)
            .Select(
                (s, i) =>
                {
                    var (stepOk, stepFail) = s.Value.Stats(Elapsed);
                    return new StepStats(s.Key, stepOk, stepFail, i);
                }
            )
            .ToArray();
        var (simulation, value) = Schedule.At(Elapsed);
        return new ScenarioStats(
            props.ScenarioName,
            ok,
            fail,
            steps,
            new LoadSimulationStats(simulation, value),
            operation,
            ok.Request.Count + fail.Request.Count,
            ok.Request.Count,
            fail.Request.Count,
            ok.DataTransfer.AllBytes
                + fail.DataTransfer.AllBytes
                + steps.Sum(s => s.Ok.DataTransfer.AllBytes + s.Fail.DataTransfer.AllBytes),
            Elapsed,
            index
        );
    }

    private static async Task WaitAsync(TimeSpan time, CancellationToken over)
    {
        try
        {
            await Task.Delay(time, over).ConfigureAwait(false);
        }
        catch (OperationCanceledException) { }
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
