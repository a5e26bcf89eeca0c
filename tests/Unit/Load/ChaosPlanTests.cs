using System.Diagnostics;
using LoadTests.Chaos;
using LoadTests.Measurements;
using LoadTests.Reports;
using LoadTests.Targets;
using Unit.Client;

namespace Unit.Load;

public class ChaosPlanTests
{
    [Fact]
    public async Task A_killed_process_that_does_not_restart_fails_the_run()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Faults are injected on Linux only.");
        await using var system = await StubSystem.StartAsync(SseServer.Open(StubSystem.Connected));
        system.Run.Delivery.Record(TimeSpan.FromMilliseconds(1));

        using var process = Process.Start("sleep", "600");
        using var end = new CancellationTokenSource();
        var plan = new ChaosPlan(
            [ChaosTarget.Redis],
            FaultKind.Kill,
            system.Replicas,
            new Dictionary<string, int> { [nameof(ChaosTarget.Redis)] = process.Id }
        )
        {
            QuietTime = TimeSpan.Zero,
            RepairLimit = TimeSpan.FromMilliseconds(300),
        };

        var records = await plan.RunAsync(
            new RunHistory(system.Run),
            line =>
            {
                if (line.Contains("did not restart", StringComparison.Ordinal))
                    end.Cancel();
            },
            end.Token
        );
        var fault = Assert.Single(records);
        Assert.Matches("^it did not restart within [0-9]+ s$", LoadThreshold.Return(fault).Failure);
        Assert.Null(LoadThreshold.Return(fault with { IsBack = true }).Failure);
        // Nothing was published, so no share of the deliveries tells a recovery.
        Assert.False(fault.Recovery.IsKnown);
    }

    [Fact]
    public async Task A_fault_that_cannot_be_injected_is_named_and_the_records_of_the_others_are_kept()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Faults are injected on Linux only.");
        await using var system = await StubSystem.StartAsync(SseServer.Open(StubSystem.Connected));
        system.Run.Delivery.Record(TimeSpan.FromMilliseconds(1));

        using var ended = Process.Start("true");
        await ended.WaitForExitAsync(TestContext.Current.CancellationToken);
        using var end = new CancellationTokenSource();
        var plan = new ChaosPlan(
            [ChaosTarget.Redis, ChaosTarget.Postgres],
            FaultKind.Kill,
            system.Replicas,
            new Dictionary<string, int>
            {
                [nameof(ChaosTarget.Redis)] = ended.Id,
                [nameof(ChaosTarget.Postgres)] = ended.Id,
            }
        )
        {
            QuietTime = TimeSpan.Zero,
        };
        var reported = new List<string>();

        Assert.Empty(await plan.RunAsync(new RunHistory(system.Run), reported.Add, end.Token));
        Assert.Contains($"Redis ({ended.Id}) could not be signalled", plan.Problem, StringComparison.Ordinal);
        Assert.Contains(reported, r => r.StartsWith("Postgres", StringComparison.Ordinal));
    }
}
