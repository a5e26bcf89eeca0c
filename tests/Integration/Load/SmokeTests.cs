using System.Text.Json;
using Harness;
using Integration.Delivery;

namespace Integration.Load;

/// <summary>The load tests against the running system, small enough for every test run and large enough to lose
/// events.</summary>
[Trait("Takes", "long")]
public sealed class SmokeTests(SmokeTests.TwoReplicas fixture) : IClassFixture<SmokeTests.TwoReplicas>
{
    private string Target => fixture.System.Replicas[0].Url.ToString();

    public sealed class TwoReplicas : SharedWorld
    {
        protected override int Replicas => 2;
    }

    [Fact]
    public async Task Every_kind_of_client_gets_every_acknowledged_event_once_and_in_order()
    {
        string[] scenarios = ["connect-storm", "fanout", "resume", "churn"];
        var run = await LoadTestsProcess.RunAsync([
            "--target",
            Target,
            "--seconds",
            "4",
            "--clients",
            "60",
            "--max-p99",
            "60000",
            .. scenarios,
        ]);

        try
        {
            Assert.True(run.ExitCode == 0, run.Errors);
            Assert.Equal(scenarios, run.Results.Select(r => r.GetProperty("scenario").GetString()));
            foreach (var result in run.Results)
            {
                Assert.Equal(
                    (0, 0, 0, 0),
                    (
                        Number(result, "lost"),
                        Number(result, "duplicates"),
                        Number(result, "reordered"),
                        Number(result, "unknown")
                    )
                );
                Assert.True(
                    Number(result, "published") > 0 && Number(result, "acknowledged") == Number(result, "published"),
                    result.ToString()
                );
                Assert.True(Number(result, "connected") >= 60, result.ToString());
                Assert.True(result.GetProperty("deliveryMs").GetProperty("p999").GetDouble() > 0, result.ToString());
            }

            var fanout = run.Results.Single(r => r.GetProperty("scenario").GetString() == "fanout");
            Assert.Equal(Number(fanout, "published") * 60, Number(fanout, "received"));
            Assert.Contains(
                "fanout: held events are published and received; lost = 0; ",
                run.Errors,
                StringComparison.Ordinal
            );

            foreach (var scenario in scenarios)
            {
                // The scenario's page has the same verdict as the report.
                var page = await File.ReadAllTextAsync(Path.Combine(run.ReportFolder, scenario, scenario + ".html"));
                Assert.Contains($"<h1>{scenario}: held all thresholds</h1>", page, StringComparison.Ordinal);
                Assert.Contains("<td>lost = 0<td>held", page, StringComparison.Ordinal);
            }
            Assert.Contains(
                "| fanout |",
                await File.ReadAllTextAsync(Path.Combine(run.ReportFolder, "report.md")),
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(run.ReportFolder, recursive: true);
        }
    }

    [Fact]
    public async Task Generations_whose_readers_drop_and_return_are_read_byte_for_byte()
    {
        var port = FreePort.Take();
        await using var system = await World.Start(o =>
            o.Replicas(2).Set("Llm:Providers:Local:BaseUrl", $"http://127.0.0.1:{port}/v1")
        );
        var target = system.Replicas[0].Url.ToString();
        string[] small = ["--target", target, "--seconds", "4", "--clients", "6", "--max-p99", "60000", "llm"];
        var timed = await LoadTestsProcess.RunAsync([.. small, "--llm-upstream-port", $"{port}"]);
        var demo = await LoadTestsProcess.RunAsync(small);
        try
        {
            foreach (var run in (LoadTestsProcess[])[timed, demo])
            {
                Assert.True(run.ExitCode == 0, run.Errors);
                var result = Assert.Single(run.Results);
                Assert.Equal(
                    (0, 0, 0, 0),
                    (
                        Number(result, "lost"),
                        Number(result, "duplicates"),
                        Number(result, "reordered"),
                        Number(result, "unknown")
                    )
                );
                Assert.Equal(6, Number(result, "connected"));
                var llm = result.GetProperty("llm");
                Assert.True(
                    Number(llm, "done") >= 6 && Number(llm, "done") == Number(llm, "begun") && Number(llm, "drops") > 0,
                    llm.ToString()
                );
                Assert.Equal((0, 0), (Number(llm, "different"), Number(llm, "failed")));
                Assert.Contains(
                    "## Generations",
                    await File.ReadAllTextAsync(Path.Combine(run.ReportFolder, "report.md")),
                    StringComparison.Ordinal
                );
            }
            // Each of the upstream's tokens was measured once, and the server counted the same number.
            var tokens = Assert.Single(timed.Results);
            Assert.Equal(
                (Number(tokens, "published"), Number(tokens, "published")),
                (Number(tokens, "received"), Number(tokens.GetProperty("llm"), "tokens"))
            );
            Assert.Equal("upstream to reader", tokens.GetProperty("llm").GetProperty("deliveryIs").GetString());
            Assert.True(tokens.GetProperty("deliveryMs").GetProperty("p99").GetDouble() > 0, tokens.ToString());
        }
        finally
        {
            foreach (var run in (LoadTestsProcess[])[timed, demo])
                Directory.Delete(run.ReportFolder, recursive: true);
        }
    }

    [Fact]
    public async Task An_acknowledged_event_that_no_client_gets_fails_the_run_and_is_named()
    {
        var run = await LoadTestsProcess.RunAsync(
            "--target",
            Target,
            "--seconds",
            "2",
            "--clients",
            "10",
            "--rate",
            "10",
            "--plant-loss",
            "fanout"
        );

        try
        {
            Assert.Equal(1, run.ExitCode);
            Assert.Contains("fanout: FAILED: lost = 0: 10 ", run.Errors, StringComparison.Ordinal);
            Assert.Equal(10, Number(Assert.Single(run.Results), "lost"));

            var page = await File.ReadAllTextAsync(Path.Combine(run.ReportFolder, "fanout", "fanout.html"));
            Assert.Contains("fanout: FAILED", page, StringComparison.Ordinal);
            Assert.Contains("FAILED: 10 acknowledged events were not received", page, StringComparison.Ordinal);
            Assert.Contains(
                "0 of 1 held all thresholds",
                await File.ReadAllTextAsync(Path.Combine(run.ReportFolder, "report.md")),
                StringComparison.Ordinal
            );
        }
        finally
        {
            Directory.Delete(run.ReportFolder, recursive: true);
        }
    }

    [Fact]
    public async Task An_unreachable_or_remote_target_is_refused_without_load()
    {
        var absent = await LoadTestsProcess.RunAsync("--target", "http://127.0.0.1:9", "fanout");
        var elsewhere = await LoadTestsProcess.RunAsync("--target", "http://192.0.2.1:5080", "fanout");
        foreach (var run in (LoadTestsProcess[])[absent, elsewhere])
            Directory.Delete(run.ReportFolder, recursive: true);
        Assert.Equal((2, 2), (absent.ExitCode, elsewhere.ExitCode));
        Assert.Contains("Start the system", absent.Errors, StringComparison.Ordinal);
        Assert.Contains("only loads its own machine", elsewhere.Errors, StringComparison.Ordinal);
    }

    private static long Number(JsonElement result, string name) => result.GetProperty(name).GetInt64();
}
