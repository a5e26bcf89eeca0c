using LoadTests;
using LoadTests.Reports;
using LoadTests.Running;
using Unit.Client;

namespace Unit.Load;

/// <summary>Runs that do not reach their end still tell what they measured, and leave no earlier verdict.</summary>
public sealed class LoadSuiteTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("load-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Report => File.ReadAllText(Path.Combine(_folder, "report.md"));

    [Fact]
    public async Task A_scenario_that_cannot_run_is_named_in_the_report_and_the_next_one_runs()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "report.md"),
            "# Load tests: 8 of 8 held all thresholds",
            TestContext.Current.CancellationToken
        );

        await using var system = await StubSystem.StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            return Task.CompletedTask;
        });
        Assert.Equal(2, await RunAsync(system, TestContext.Current.CancellationToken, "fanout", "many-topics"));
        Assert.StartsWith("# Load tests: 0 of 2 held all thresholds", Report, StringComparison.Ordinal);
        Assert.Contains("## fanout has no result", Report, StringComparison.Ordinal);
        Assert.Contains("## many-topics has no result", Report, StringComparison.Ordinal);
        Assert.Contains("403", Report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopped_run_reports_what_it_has_measured_and_what_did_not_run()
    {
        using var stop = new CancellationTokenSource();
        await using var system = await StubSystem.StartAsync(async context =>
        {
            if (context.Request.Method == "POST")
                await stop.CancelAsync();
            else
                await SseServer.Open(StubSystem.Connected)(context);
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            RunAsync(system, stop.Token, "--seconds", "600", "fanout", "many-topics")
        );
        Assert.Contains("the scenario runs to its end: it was stopped after", Report, StringComparison.Ordinal);
        Assert.Contains("## fanout was stopped", Report, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", Report, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("## many-topics has no result", Report, StringComparison.Ordinal);

        var line = await File.ReadAllTextAsync(
            Path.Combine(_folder, "results.jsonl"),
            TestContext.Current.CancellationToken
        );

        Assert.StartsWith(
            """{"scenario":"fanout","ok":false,"stopped":true,"failed":["the scenario runs to its end: it was """,
            line,
            StringComparison.Ordinal
        );
        Assert.Contains("\"held\":[]", line, StringComparison.Ordinal); // and nothing else is judged
    }

    [Fact]
    public async Task Pages_that_cannot_be_written_do_not_lose_the_measurements()
    {
        // In the place of the scenario's folder.
        await File.WriteAllTextAsync(Path.Combine(_folder, "fanout"), "", TestContext.Current.CancellationToken);
        await using var system = await StubSystem.StartAsync(async context =>
        {
            if (context.Request.Method == "POST")
                context.Response.StatusCode = 400;
            else
                await SseServer.Open(StubSystem.Connected)(context);
        });
        Assert.Equal(1, await RunAsync(system, TestContext.Current.CancellationToken, "--seconds", "2", "fanout"));
        Assert.Contains("failed requests are unknown", Report, StringComparison.Ordinal);
        Assert.Contains("| fanout | 1 |", Report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_run_into_the_same_folder_is_refused_and_leaves_the_first_ones_files()
    {
        using var held = ReportFolder.Open(Options("http://localhost:1", "fanout"));
        await using var system = await StubSystem.StartAsync(SseServer.Open(StubSystem.Connected));
        var refused = await Assert.ThrowsAsync<LoadTestException>(() =>
            RunAsync(system, TestContext.Current.CancellationToken, "fanout")
        );
        Assert.Contains("Another load run", refused.Message, StringComparison.Ordinal);
    }

    private Task<int> RunAsync(StubSystem system, CancellationToken stop, params string[] arguments) =>
        LoadSuite.RunAsync(Options(system.Replicas.Replicas[0].Url, arguments), stop);

    private LoadOptions Options(string target, params string[] arguments) =>
        LoadOptions.Parse(["--target", target, "--reports", _folder, "--clients", "1", "--rate", "10", .. arguments]);
}
