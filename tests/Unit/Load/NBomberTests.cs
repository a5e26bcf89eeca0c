using System.Collections.Concurrent;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace Unit.Load;

/// <summary>The rules of the NBomber stand-in that LoadTests relies on.</summary>
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
    public void An_iteration_that_blocks_its_thread_delays_no_other_injection()
    {
        var starts = new ConcurrentQueue<int>();
        using var all = new CountdownEvent(3);
        var stats = Run(
            context =>
            {
                starts.Enqueue(context.ScenarioInfo.InstanceNumber);
                all.Signal();
                Assert.True(all.Wait(TimeSpan.FromSeconds(20)));
                return Task.FromResult<IResponse>(Response.Ok());
            },
            Simulation.Inject(1, Interval, 3 * Interval)
        );

        Assert.Equal(3, stats.Ok.Request.Count);
        Assert.Equal([1, 2, 3], starts.Order());
    }

    [Fact]
    public void A_copy_keeps_its_data_and_iterates_until_the_test_is_stopped()
    {
        var iterations = new ConcurrentDictionary<object, int>();
        Run(
            async context =>
            {
                var data = context.ScenarioInstanceData;
                data.TryAdd("me", new object());
                iterations.AddOrUpdate(data["me"], 1, (_, count) => count + 1);
                if (iterations.Count == 4 && iterations.Values.All(count => count >= 5))
                    context.StopCurrentTest("seen enough");
                await Task.Yield();
                return Response.Ok();
            },
            Simulation.KeepConstant(4, TimeSpan.FromMinutes(5))
        );

        Assert.Equal(4, iterations.Count);
    }

    [Fact]
    public void The_token_ends_waits_at_the_scenarios_end_and_they_are_not_measured()
    {
        var stats = Run(
            async context =>
            {
                if (context.ScenarioInstanceData.TryAdd("first", true))
                    return Response.Ok<object>("", 10, "", 7);
                await Task.Delay(Timeout.Infinite, context.ScenarioCancellationToken);
                return Response.Fail<object>();
            },
            Simulation.KeepConstant(3, TimeSpan.FromSeconds(3))
        );

        Assert.Equal((3, 0), (stats.Ok.Request.Count, stats.Fail.Request.Count));
        Assert.Equal(30, stats.Ok.DataTransfer.AllBytes);
        // A latency given by the scenario replaces the measured one.
        Assert.InRange(stats.Ok.Latency.Percent99, 7, 7.2);
    }

    [Fact]
    public void Failures_are_counted_by_code_and_a_failed_step_ends_its_iteration()
    {
        var stats = Run(FailInStepAsync, Simulation.Inject(3, Interval, Interval));

        Assert.Equal((0, 3), (stats.Ok.Request.Count, stats.Fail.Request.Count));
        var bad = stats.StepStats[0];
        var good = stats.StepStats[1];
        Assert.Equal(("bad", "good", 3), (bad.StepName, good.StepName, good.Ok.Request.Count));
        StatusCodeStats[] codes =
        [
            new("-100", "operation timeout", 1),
            new("-101", "broken", 1),
            new("503", "busy", 1),
        ];
        Assert.Equal(codes, bad.Fail.StatusCodes);
        Assert.Equal(codes, stats.Fail.StatusCodes);
    }

    [Fact]
    public void No_scenario_iterates_before_the_init_of_each()
    {
        var order = new ConcurrentQueue<string>();
        var scenario = Scenario
            .Create(
                "once",
                _ =>
                {
                    order.Enqueue("iteration");
                    return Task.FromResult<IResponse>(Response.Ok());
                }
            )
            .WithInit(async _ =>
            {
                await Task.Yield();
                order.Enqueue("init");
            })
            .WithLoadSimulations(Simulation.Inject(1, Interval, Interval));
        NBomberRunner.RegisterScenarios(scenario, scenario).WithoutReports().Run();

        Assert.Equal(["init", "init", "iteration", "iteration"], order);
    }

    [Fact]
    public void The_page_says_that_it_was_made_without_NBomber_and_encodes_what_servers_answered()
    {
        var folder = Directory.CreateTempSubdirectory("load-");
        try
        {
            var scenario = Scenario
                .Create("asked", _ => Task.FromResult<IResponse>(Response.Fail<object>("503", "<b>busy</b>")))
                .WithLoadSimulations(Simulation.Inject(2, Interval, Interval));
            var stats = NBomberRunner
                .RegisterScenarios(scenario)
                .WithTestName("page")
                .WithReportFolder(Path.Combine(folder.FullName, "new"))
                .WithReportFileName("asked")
                .Run();

            var page = File.ReadAllText(Path.Combine(folder.FullName, "new", "asked.html"));
            Assert.Equal(page, Assert.Single(stats.ReportFiles).ReportContent);
            Assert.Contains("<h2>Made without NBomber: ", page, StringComparison.Ordinal);
            Assert.Contains(
                "<tr><td>asked<td><td>503<td>2<td>&lt;b&gt;busy&lt;/b&gt;</table>",
                page,
                StringComparison.Ordinal
            );
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
                    1 => Task.FromResult(Response.Fail<int>("503", "busy")),
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
