using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace Unit.Load;

/// <summary>The rules of the NBomber stand-in on which the verdicts of LoadTests rest.</summary>
public class NBomberTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void Injection_keeps_its_rate_with_outstanding_answers_and_latency_counts_from_the_due_time()
    {
        // A server that answers nobody before the last request: a generator that waited for answers would never send
        // it.
        using var asked = new CountdownEvent(20);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stats = Run(
            async _ =>
            {
                if (asked.Signal())
                    release.SetResult();
                await release.Task;
                return Response.Ok();
            },
            Simulation.Inject(1, Interval, 20 * Interval)
        );

        Assert.Equal((20, 0), (stats.Ok.Request.Count, stats.Fail.Request.Count));
        // The first was due 950 ms before the last; all requests in between include the stall.
        Assert.True(stats.Ok.Latency.MaxMs >= 900, $"max {stats.Ok.Latency.MaxMs}");
        Assert.True(stats.Ok.Latency.Percent50 >= 400, $"p50 {stats.Ok.Latency.Percent50}");
    }

    [Fact]
    public void Failures_are_counted_by_code_and_the_page_names_them_whatever_servers_answered()
    {
        var folder = Directory.CreateTempSubdirectory("load-");
        try
        {
            var scenario = Scenario
                .Create("one", FailInStepAsync)
                .WithLoadSimulations(Simulation.Inject(3, Interval, Interval));

            var run = NBomberRunner
                .RegisterScenarios(scenario)
                .WithTestName("page")
                .WithReportFolder(folder.FullName)
                .WithReportFileName("page")
                .Run();

            var stats = Assert.Single(run.ScenarioStats);
            Assert.Equal((0, 3), (stats.Ok.Request.Count, stats.Fail.Request.Count));
            Assert.Equal(["bad", "good"], stats.StepStats.Select(step => step.StepName));

            StatusCodeStats[] codes =
            [
                new("-100", "operation timeout", 1),
                new("-101", "broken", 1),
                new("503", "<b>busy</b>", 1),
            ];
            Assert.Equal(codes, stats.StepStats[0].Fail.StatusCodes);
            Assert.Equal(codes, stats.Fail.StatusCodes);

            var page = File.ReadAllText(Path.Combine(folder.FullName, "page.html"));
            Assert.Contains("<td>503<td>1<td>&lt;b&gt;busy&lt;/b&gt;", page, StringComparison.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<IResponse> FailInStepAsync(IScenarioContext context)
    {
        await Step.Run("good", context, () => Task.FromResult(Response.Ok<int>("200", 5)));
        await Step.Run(
            "bad",
            context,
            () =>
                context.ScenarioInfo.InstanceNumber switch
                {
                    1 => Task.FromResult(Response.Fail<int>("503", "<b>busy</b>")),
                    2 => throw new TimeoutException(),
                    _ => throw new InvalidOperationException("broken"),
                }
        );

        return Response.Ok();
    }

    private static ScenarioStats Run(Func<IScenarioContext, Task<IResponse>> run, LoadSimulation simulation)
    {
        var scenario = Scenario.Create("one", run).WithLoadSimulations(simulation);
        return Assert.Single(NBomberRunner.RegisterScenarios(scenario).WithoutReports().Run().ScenarioStats);
    }
}
