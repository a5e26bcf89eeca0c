using System.Text.Json;
using Harness;
using Integration.Delivery;
using Integration.Seeds;

namespace Integration.Load;

/// <summary>The load tests against the running system, small enough for every test run and large enough to lose
/// events.</summary>
[Trait("Takes", "long")]
public sealed class SmokeTests(SmokeTests.TwoReplicas fixture) : IClassFixture<SmokeTests.TwoReplicas>
{
    private string Target => fixture.System.Replicas[0].Url.ToString();

    /// <summary>Two replicas whose models are answered by the load tests' own provider.</summary>
    public sealed class TwoReplicas : SharedWorld
    {
        internal int ProviderPort { get; } = FreePort.Take();

        protected override int Replicas => 2;

        protected override Dictionary<string, string> Settings =>
            new() { ["AspireSse__Llm__Providers__Local__BaseUrl"] = $"http://127.0.0.1:{ProviderPort}/v1" };
    }

    [Fact]
    public async Task Every_kind_of_client_gets_every_acknowledged_event_once_and_in_order()
    {
        const int clients = 40;
        string[] scenarios = ["connect-storm", "fanout", "resume", "churn"];
        using var run = await RunAsync(["--seconds", "2", "--clients", $"{clients}", .. scenarios]);

        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Equal(scenarios, run.Results.Select(r => r.Text("scenario")));

        foreach (var result in run.Results)
        {
            AssertComplete(result);
            Assert.True(result.Number("published") > 0, result.ToString());
            Assert.Equal(result.Number("published"), result.Number("acknowledged"));
            Assert.InRange(result.Number("connected"), clients, long.MaxValue);
            Assert.True(result.At("deliveryMs.p999").GetDouble() > 0, result.ToString());

            // The scenario's page has the same verdict as the report.
            var scenario = result.Text("scenario")!;
            var page = run.Report(scenario, scenario + ".html");
            Assert.Contains($"<h1>{scenario}: held all thresholds</h1>", page, StringComparison.Ordinal);
            Assert.Contains("<td>lost = 0<td>held", page, StringComparison.Ordinal);
        }

        var fanout = run.Results[1];
        Assert.Equal(fanout.Number("published") * clients, fanout.Number("received"));
        const string held = "fanout: held events are published and received; lost = 0; ";

        Assert.Contains(held, run.Errors, StringComparison.Ordinal);
        Assert.Contains("| fanout |", run.Report("report.md"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_is_the_same_in_all_protocols_whatever_drops_and_replicas_there_were()
    {
        using var run = await RunAsync(["--seconds", "8", "--clients", "10", "--rate", "1", "rosetta"]);

        Assert.True(run.ExitCode == 0, run.Errors);
        var llm = Assert.Single(run.Results).At("llm");
        Assert.Equal((10, 10, 0), (llm.Number("begun"), llm.Number("done"), llm.Number("different")));
        Assert.Equal(200, llm.Number("drops"));
    }

    /// <summary>The tokens of the load tests' own provider are counted; of others, the events.</summary>
    [Theory]
    [InlineData(true, "upstream to reader")]
    [InlineData(false, "gap between events")]
    public async Task Generations_whose_readers_drop_and_return_are_read_byte_for_byte(bool own, string delivery)
    {
        string[] provider = own ? ["--llm-upstream-port", $"{fixture.ProviderPort}"] : [];
        using var run = await RunAsync(["--seconds", "3", "--clients", "6", .. provider, "llm"]);

        Assert.True(run.ExitCode == 0, run.Errors);
        var result = Assert.Single(run.Results);
        AssertComplete(result);
        Assert.Equal(6, result.Number("connected"));

        var llm = result.At("llm");
        Assert.True(llm.Number("done") >= 6 && llm.Number("drops") > 0, llm.ToString());
        Assert.Equal((llm.Number("begun"), 0, 0), (llm.Number("done"), llm.Number("different"), llm.Number("failed")));
        Assert.Contains("## Generations", run.Report("report.md"), StringComparison.Ordinal);

        // Each was measured once, and the server counted the same number of tokens.
        var published = result.Number("published");
        Assert.Equal(published, result.Number("received"));

        if (own)
            Assert.Equal(published, llm.Number("tokens"));

        Assert.Equal(delivery, llm.Text("deliveryIs"));
        Assert.True(result.At("deliveryMs.p99").GetDouble() > 0, result.ToString());
    }

    [Fact]
    public async Task An_acknowledged_event_that_no_client_gets_fails_the_run_and_is_named()
    {
        using var run = await RunAsync(["--seconds", "2", "--clients", "10", "--rate", "10", "--plant-loss", "fanout"]);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("fanout: FAILED: lost = 0: 10 ", run.Errors, StringComparison.Ordinal);
        Assert.Equal(10, Assert.Single(run.Results).Number("lost"));

        var page = run.Report("fanout", "fanout.html");
        Assert.Contains("fanout: FAILED", page, StringComparison.Ordinal);
        Assert.Contains("FAILED: 10 acknowledged events were not received", page, StringComparison.Ordinal);
        Assert.Contains("0 of 1 held all thresholds", run.Report("report.md"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:9", "Start the system")]
    [InlineData("http://192.0.2.1:5080", "only loads its own machine")]
    public async Task An_unreachable_or_remote_target_is_refused_without_load(string target, string reason)
    {
        using var run = await LoadTestsProcess.RunAsync("--target", target, "fanout");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(reason, run.Errors, StringComparison.Ordinal);
    }

    private Task<LoadTestsProcess> RunAsync(string[] arguments) =>
        LoadTestsProcess.RunAsync(["--target", Target, "--max-p99", "60000", .. arguments]);

    private static void AssertComplete(JsonElement result) =>
        Assert.Equal(
            (0, 0, 0, 0),
            (result.Number("lost"), result.Number("duplicates"), result.Number("reordered"), result.Number("unknown"))
        );
}
