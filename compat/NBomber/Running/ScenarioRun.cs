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
internal sealed class ScenarioRun(Session session, ScenarioProps props)
{
    private readonly ConcurrentDictionary<string, MeasurementSeries> _steps = new();
    private readonly ConcurrentDictionary<Task, bool> _running = new();
    private readonly CancellationTokenSource _over = new();
    private readonly MeasurementSeries _whole = new();
    private TimeSpan _duration;
    private int _copies;

    public Session Session => session;
    public ScenarioProps Props => props;

    public void Stop() => _over.Cancel();

    /// <param name="step">The step's name, or null for a whole iteration.</param>
    public void Record(string? step, IResponse response, TimeSpan elapsed)
    {
        var measurements = step is null ? _whole : _steps.GetOrAdd(step, static _ => new MeasurementSeries());
        measurements.Record(response, elapsed);
    }

    public async Task RunAsync()
    {
        var started = Stopwatch.GetTimestamp();

        foreach (var start in Schedule.Starts(props.LoadSimulations))
        {
            await WaitUntilAsync(started, start.Due).ConfigureAwait(false);
            if (_over.IsCancellationRequested)
                break;
            Start(start, started);
        }

        await WaitUntilAsync(started, Schedule.Duration(props.LoadSimulations)).ConfigureAwait(false);

        // Ends the waits of copies; iterations under way get the time to complete.
        Stop();
        var rest = Task.WhenAll(_running.Keys);
        await Task.WhenAny(rest, Task.Delay(session.CompletionTimeout)).ConfigureAwait(false);
        _duration = Stopwatch.GetElapsedTime(started);
    }

    public ScenarioStats Stats() =>
        new(
            props.ScenarioName,
            _whole.Ok(_duration),
            _whole.Fail(_duration),
            [
                .. _steps
                    .OrderBy(step => step.Key, StringComparer.Ordinal)
                    .Select(step => new StepStats(step.Key, step.Value.Ok(_duration), step.Value.Fail(_duration))),
            ]
        );

    private void Start(CopyStart start, long started)
    {
        var due = At(started, start.Due);
        for (var i = 0; i < start.Count; i++)
        {
            var copy = new ScenarioCopy(this, ++_copies, _over.Token);

            // On the thread pool, because a copy's synchronous start must not delay the next copy.
            Track(
                start.Until is { } until
                    ? Task.Run(() => copy.IterateAsync(At(started, until)))
                    : Task.Run(() => copy.RunOnceAsync(due).AsTask())
            );
        }
    }

    private void Track(Task copy)
    {
        _running.TryAdd(copy, true);
        copy.ContinueWith(
            static (done, running) => ((ConcurrentDictionary<Task, bool>)running!).TryRemove(done, out _),
            _running,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default
        );
    }

    /// <summary>Waits until a time of the schedule, or until the scenario is stopped.</summary>
    private async Task WaitUntilAsync(long started, TimeSpan due)
    {
        var early = due - Stopwatch.GetElapsedTime(started);
        if (early <= TimeSpan.Zero)
            return;

        try
        {
            await Task.Delay(early, _over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) { }
    }

    private static long At(long started, TimeSpan due) => started + (long)(due.TotalSeconds * Stopwatch.Frequency);
}
