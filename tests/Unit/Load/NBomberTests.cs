using System.Collections.Concurrent;
using System.Diagnostics;
using System.Xml.Linq;
using NBomber.Contracts;
using NBomber.Contracts.Stats;
using NBomber.CSharp;

namespace Unit.Load;

/// <summary>The rules of the NBomber stand-in that LoadTests relies on.</summary>
public sealed class NBomberTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("load-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Injection_keeps_its_rate_with_outstanding_answers_and_latency_counts_from_the_due_time()
    {
        // A server that answers nobody before the last request: a generator that waited for answers would never send
        // it.
        var asked = new CountdownEvent(20);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var stats = Run(
            Scenario
                .Create(
                    "stalled",
                    async _ =>
                    {
                        if (asked.Signal())
                            release.SetResult();
                        await release.Task;
                        return Response.Ok();
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(Simulation.Inject(1, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)))
        );
        var ok = stats.ScenarioStats.Get("stalled").Ok;
        Assert.Equal((20, 0), (ok.Request.Count, stats.AllFailCount));
        // The first was due 950 ms before the last; all requests in between include the stall.
        Assert.True(ok.Latency.MaxMs >= 900, $"max {ok.Latency.MaxMs}");
        Assert.True(ok.Latency.Percent50 >= 400, $"p50 {ok.Latency.Percent50}");
    }

    [Fact]
    public void An_iteration_that_blocks_its_thread_delays_no_other_injection()
    {
        var starts = new ConcurrentQueue<int>();
        using var all = new CountdownEvent(3);
        var stats = Run(
            Scenario
                .Create(
                    "blocking",
                    context =>
                    {
                        starts.Enqueue(context.ScenarioInfo.InstanceNumber);
                        all.Signal();
                        Assert.True(all.Wait(TimeSpan.FromSeconds(20)));
                        return Task.FromResult<IResponse>(Response.Ok());
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(
                    Simulation.Inject(1, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(300))
                )
        );
        Assert.Equal(3, stats.AllOkCount);
        Assert.Equal([1, 2, 3], starts.Order());
    }

    [Fact]
    public void A_copy_keeps_its_data_and_iterates_until_the_scenario_ends()
    {
        var copies = new ConcurrentDictionary<object, int>();
        var overlapping = 0;
        Run(
            Scenario
                .Create(
                    "copies",
                    async context =>
                    {
                        if (context.InvocationNumber == 1)
                            context.ScenarioInstanceData["me"] = new object();
                        var me = context.ScenarioInstanceData["me"];
                        if (context.Data.Count > 0 || !context.Data.TryAdd("busy", me))
                            Interlocked.Increment(ref overlapping);
                        copies.AddOrUpdate(me, 1, (_, n) => n + 1);
                        if (copies.Count == 4 && copies.Values.All(n => n >= 5))
                            context.StopScenario("copies", "seen enough");
                        await Task.Yield();
                        return Response.Ok();
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(Simulation.KeepConstant(4, TimeSpan.FromSeconds(30)))
        );
        Assert.Equal((4, 0), (copies.Count, overlapping));
    }

    [Fact]
    public void The_token_ends_waits_at_the_scenarios_end_and_they_are_not_measured()
    {
        var stats = Run(
            Scenario
                .Create(
                    "waiting",
                    async context =>
                    {
                        if (context.InvocationNumber == 1)
                            return Response.Ok<object>("", 10, "", 7);
                        try
                        {
                            await Task.Delay(Timeout.Infinite, context.ScenarioCancellationToken);
                        }
                        catch (OperationCanceledException)
                        {
                            throw new IgnoreMeasurementException();
                        }
                        return Response.Fail();
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(Simulation.KeepConstant(3, TimeSpan.FromSeconds(3)))
        );
        var scenario = stats.ScenarioStats.Get("waiting");
        Assert.Equal((3, 0, 30L), (scenario.AllOkCount, scenario.AllFailCount, scenario.AllBytes));
        // A latency given by the scenario replaces the measured one.
        Assert.InRange(scenario.Ok.Latency.Percent99, 7, 7.2);
    }

    [Fact]
    public void Failures_and_exceptions_are_counted_by_code_and_a_failed_step_ends_its_iteration()
    {
        var after = 0;
        var stats = Run(
            Scenario
                .Create(
                    "failing",
                    async context =>
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
                        Interlocked.Increment(ref after);
                        return Response.Ok();
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(
                    Simulation.Inject(3, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100))
                )
        );
        var scenario = stats.ScenarioStats.Get("failing");
        Assert.Equal((0, 0, 3), (after, scenario.AllOkCount, scenario.AllFailCount));
        Assert.Equal(["-100", "-101", "503"], scenario.StepStats.Get("bad").Fail.StatusCodes.Select(c => c.StatusCode));
        Assert.Equal(
            ("busy", "broken"),
            (scenario.Fail.StatusCodes.Get("503").Message, scenario.Fail.StatusCodes.Get("-101").Message)
        );
        Assert.Equal(3, scenario.StepStats.Get("good").Ok.Request.Count);
        Assert.Equal(100, scenario.Fail.Request.Percent);
    }

    [Fact]
    public void Warm_up_runs_the_scenario_and_measures_nothing()
    {
        var operations = new ConcurrentQueue<ScenarioOperation>();
        var stats = Run(
            Scenario
                .Create(
                    "warm",
                    context =>
                    {
                        operations.Enqueue(context.ScenarioInfo.ScenarioOperation);
                        return Task.FromResult<IResponse>(Response.Ok());
                    }
                )
                .WithWarmUpDuration(TimeSpan.FromMilliseconds(300))
                .WithLoadSimulations(
                    Simulation.Inject(1, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(200))
                )
        );
        Assert.Equal(
            (3, 2),
            (
                operations.Count(o => o == ScenarioOperation.WarmUp),
                operations.Count(o => o == ScenarioOperation.Bombing)
            )
        );
        Assert.Equal(2, stats.AllRequestCount);
    }

    [Fact]
    public void A_broken_threshold_is_named_by_its_expression_and_a_met_one_passes()
    {
        var stats = Run(
            Scenario
                .Create("judged", _ => Task.FromResult<IResponse>(Response.Fail("500")))
                .WithoutWarmUp()
                .WithLoadSimulations(
                    Simulation.Inject(1, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100))
                )
                .WithThresholds(
                    Threshold.Create(scenario => scenario.Fail.Request.Count == 0),
                    Threshold.Create(scenario => scenario.Fail.StatusCodes.Exists("500"))
                )
        );
        var failed = Assert.Single(stats.Thresholds, t => t.IsFailed);
        Assert.Equal(("judged", "(scenario.Fail.Request.Count == 0)"), (failed.ScenarioName, failed.CheckExpression));
    }

    [Fact]
    public void As_many_failures_as_allowed_stop_the_whole_test()
    {
        var clock = Stopwatch.StartNew();
        var stats = Run(
            Scenario
                .Create(
                    "hopeless",
                    async _ =>
                    {
                        await Task.Yield();
                        return Response.Fail();
                    }
                )
                .WithMaxFailCount(10)
                .WithoutWarmUp()
                .WithLoadSimulations(Simulation.KeepConstant(1, TimeSpan.FromMinutes(5))),
            Scenario
                .Create(
                    "beside",
                    async context =>
                    {
                        await Task.Delay(Timeout.Infinite, context.ScenarioCancellationToken);
                        return Response.Ok();
                    }
                )
                .WithoutWarmUp()
                .WithLoadSimulations(Simulation.KeepConstant(1, TimeSpan.FromMinutes(5)))
        );
        Assert.True(clock.Elapsed < TimeSpan.FromMinutes(4));
        Assert.True(stats.ScenarioStats.Get("hopeless").AllFailCount >= 10);
        Assert.Equal(0, stats.ScenarioStats.Get("beside").AllRequestCount);
    }

    [Fact]
    public void Init_precedes_the_first_iteration_and_clean_follows_the_last_unless_an_init_fails()
    {
        var order = new ConcurrentQueue<string>();
        ScenarioProps Named(string name, bool fails) =>
            Scenario
                .Create(
                    name,
                    _ =>
                    {
                        order.Enqueue("iteration");
                        return Task.FromResult<IResponse>(Response.Ok());
                    }
                )
                .WithInit(_ =>
                    fails ? throw new InvalidOperationException("no") : Task.Run(() => order.Enqueue("init"))
                )
                .WithClean(_ =>
                {
                    order.Enqueue("clean");
                    return Task.CompletedTask;
                })
                .WithoutWarmUp()
                .WithLoadSimulations(
                    Simulation.Inject(1, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50))
                );
        Run(Named("one", fails: false));
        Assert.Equal(["init", "iteration", "clean"], order);
        order.Clear();
        Assert.Throws<InvalidOperationException>(() => Run(Named("one", fails: false), Named("two", fails: true)));
        Assert.Equal(["init"], order);
    }

    [Fact]
    public void Reports_are_written_where_asked_and_their_charts_are_well_formed()
    {
        var stats = NBomberRunner
            .RegisterScenarios(
                Scenario
                    .Create(
                        "a \"quoted\", name <b>",
                        async _ =>
                        {
                            await Task.Delay(1);
                            return Response.Ok<object>("200", 1);
                        }
                    )
                    .WithoutWarmUp()
                    .WithLoadSimulations(Simulation.KeepConstant(2, TimeSpan.FromMilliseconds(1_300)))
            )
            .WithTestSuite("suite")
            .WithTestName("name")
            .WithReportFolder(_folder)
            .WithReportFileName("r")
            .WithReportFormats(ReportFormat.Html, ReportFormat.Md, ReportFormat.Csv, ReportFormat.Txt)
            .DisplayConsoleMetrics(false)
            .Run();
        Assert.Equal(
            ["r.csv", "r.html", "r.md", "r.txt"],
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order()
        );
        var html = File.ReadAllText(Path.Combine(_folder, "r.html"));
        Assert.DoesNotContain("<b>", html, StringComparison.Ordinal);
        var charts = html.Split("<svg")
            .Skip(1)
            .Select(part => XElement.Parse("<svg" + part[..(part.IndexOf("</svg>", StringComparison.Ordinal) + 6)]))
            .ToList();
        Assert.Equal(
            ["Latency over time, ms", "Rate, 1/s", "Copies (connections, if each holds one)", "Percentiles, ms"],
            charts.Select(c => c.Element("title")!.Value)
        );
        Assert.All(
            charts,
            chart =>
                Assert.NotEmpty(
                    chart
                        .Elements("polyline")
                        .Single(p => p == chart.Elements("polyline").First())
                        .Attribute("points")!
                        .Value.Trim()
                )
        );
        Assert.Contains(
            "\"a \"\"quoted\"\", name <b>\"",
            File.ReadAllText(Path.Combine(_folder, "r.csv")),
            StringComparison.Ordinal
        );
        Assert.Equal(4, stats.ReportFiles.Length);
    }

    private static NodeStats Run(params ScenarioProps[] scenarios) =>
        NBomberRunner.RegisterScenarios(scenarios).WithoutReports().DisplayConsoleMetrics(false).Run();
}
