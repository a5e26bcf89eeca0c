using Harness;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Runs;
using Streaming;

namespace Unit.Runs;

public sealed class LiveRunsTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ApplicationLifetime _host = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly LiveRuns _runs;

    public LiveRunsTests()
    {
        var options = Options.Create(new RunOptions { DrainSeconds = 600 });
        var leases = new RunLeases(
            null!, // the store, which no test asks
            options,
            Options.Create(new StreamingOptions()),
            _time,
            NullLogger<RunLeases>.Instance
        );
        _runs = new LiveRuns(leases, options, _host, _time, NullLogger<LiveRuns>.Instance);
    }

    public void Dispose() => _runs.Dispose();

    [Fact(Timeout = 30_000)]
    public async Task A_run_goes_on_for_the_grace_of_a_shutdown_and_is_interrupted_at_its_end()
    {
        var run = NewRun();
        var working = _runs.Start(run, UntilStoppedAsync);
        _time.Advance(TimeSpan.FromHours(1));
        _host.StopApplication();
        _time.Advance(TimeSpan.FromSeconds(599));
        Assert.Equal((RunStop.None, false), (run.StopReason, _runs.GraceExpired.IsCancellationRequested));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((RunStop.Interrupted, true), (run.StopReason, _runs.GraceExpired.IsCancellationRequested));
        await working;
        Assert.Equal(0, _runs.Count);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_run_that_starts_after_the_grace_is_interrupted_at_once()
    {
        _host.StopApplication();
        _time.Advance(TimeSpan.FromSeconds(600));
        var run = NewRun();
        await _runs.Start(run, UntilStoppedAsync);
        Assert.Equal(RunStop.Interrupted, run.StopReason);
    }

    private static async Task UntilStoppedAsync(Run run)
    {
        await Task.Delay(Timeout.Infinite, run.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        run.MarkEnded();
    }

    /// <summary>A run without a log: its work appends nothing.</summary>
    private static Run NewRun() => new(new RunName("generation", "1"), Guid.NewGuid(), default, 0, "a", null!);
}
