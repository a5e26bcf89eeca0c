using Harness;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Runs;

namespace Unit.Runs;

public sealed class LiveRunsTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ApplicationLifetime _host = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly Shutdown _shutdown;
    private readonly LiveRuns _runs;

    public LiveRunsTests()
    {
        _shutdown = ShutdownWithin(602);
        _runs = RunsOf(_shutdown);
    }

    public void Dispose()
    {
        _runs.Dispose();
        _shutdown.Dispose();
    }

    [Fact(Timeout = 30_000)]
    public async Task A_run_goes_on_for_the_grace_of_a_shutdown_and_is_interrupted_at_its_end()
    {
        var run = NewRun();
        var working = _runs.Start(run, UntilStoppedAsync);
        _time.Advance(TimeSpan.FromHours(1));
        _host.StopApplication();
        _time.Advance(TimeSpan.FromSeconds(599));
        Assert.Equal((StopReason.None, false), (run.StopReason, _shutdown.GraceExpired.IsCancellationRequested));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((StopReason.Interrupted, true), (run.StopReason, _shutdown.GraceExpired.IsCancellationRequested));
        await working;
        Assert.Equal(0, _runs.Count);
    }

    [Theory(Timeout = 30_000)]
    [InlineData(5, 2)] // after three seconds, the host's timeout, less the time for the end
    [InlineData(1, 0)] // at once
    [InlineData(-0.001, 599)] // the host waits for ever
    [InlineData(3_600, 599)]
    public async Task The_grace_is_over_before_the_host_stops_waiting(double shutdownSeconds, int within)
    {
        using var shutdown = ShutdownWithin(shutdownSeconds);
        using var runs = RunsOf(shutdown);
        var run = NewRun();
        var working = runs.Start(run, UntilStoppedAsync);

        _host.StopApplication();
        _time.Advance(TimeSpan.FromSeconds(within));
        Assert.Equal(within > 0 ? StopReason.None : StopReason.Interrupted, run.StopReason);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StopReason.Interrupted, run.StopReason);
        await working;
    }

    [Fact(Timeout = 30_000)]
    public async Task A_run_that_starts_after_the_grace_is_interrupted_at_once()
    {
        _host.StopApplication();
        _time.Advance(TimeSpan.FromSeconds(600));
        var run = NewRun();
        await _runs.Start(run, UntilStoppedAsync);
        Assert.Equal(StopReason.Interrupted, run.StopReason);
    }

    /// <summary>The work would otherwise seem to have failed, with the timeout as its failure.</summary>
    [Fact(Timeout = 30_000)]
    public async Task Work_that_returns_between_the_timer_of_its_grace_and_the_timers_effect_has_not_failed()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var returns = new TaskCompletionSource();
        var clock = new ExpiringTime();
        using var log = new WarningLines();
        using var logs = new LoggerFactory([log]);
        using var runs = new LiveRuns(_shutdown, clock, logs.CreateLogger<LiveRuns>());
        var run = NewRun();
        var ended = runs.Start(
            run,
            async stopped =>
            {
                stopped.MarkEnded();
                begun.SetResult();
                await returns.Task;
            }
        );

        await begun.Task;
        clock.Expired = returns.SetResult;
        run.Stop(StopReason.Interrupted);
        await ended;
        Assert.Empty(log.Lines);
    }

    private Shutdown ShutdownWithin(double seconds) =>
        new(
            Options.Create(new RunOptions { DrainSeconds = 600 }),
            Options.Create(new HostOptions { ShutdownTimeout = TimeSpan.FromSeconds(seconds) }),
            _host,
            _time
        );

    private LiveRuns RunsOf(Shutdown shutdown) => new(shutdown, _time, NullLogger<LiveRuns>.Instance);

    private static async Task UntilStoppedAsync(Run run)
    {
        await Task.Delay(Timeout.Infinite, run.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        run.MarkEnded();
    }

    /// <summary>A run without a log: its work appends nothing.</summary>
    private static Run NewRun() => new(new RunName("generation", "1"), Guid.NewGuid(), 0, "a", null!, []);

    /// <summary>A clock whose timers expire while they are created, and that then does something else.</summary>
    private sealed class ExpiringTime : TimeProvider
    {
        public Action Expired { get; set; } = () => { };

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan due, TimeSpan period)
        {
            callback(state);
            Expired();
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
