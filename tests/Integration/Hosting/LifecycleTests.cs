using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Integration.Hosting;

[Trait("Takes", "long")]
public class LifecycleTests
{
    [Fact]
    public async Task A_resource_runs_and_its_output_reaches_its_console_log()
    {
        await using var app = await HostedApplication.StartAsync(b =>
            b.AddScript("talker", "echo こんにちは; echo oops >&2; exec sleep 1000")
        );
        var talker = await app.RunsAsync("talker");
        Assert.False((await app.LogsAsync(talker, "こんにちは")).IsErrorMessage);
        Assert.True((await app.LogsAsync(talker, "oops")).IsErrorMessage);
    }

    [Fact]
    public async Task Stop_ends_the_process_and_Start_begins_another()
    {
        await using var app = await HostedApplication.StartAsync(b => b.AddScript("worker", "exec sleep 1000"));
        var first = await app.RunsAsync("worker");
        using var process = Process.GetProcessById(HostedApplication.Pid(first)!.Value);

        Assert.True(
            (
                await app.App.ResourceCommands.ExecuteCommandAsync(first.ResourceId, "stop", HostedApplication.Timeout)
            ).Success
        );
        Assert.True(process.HasExited);
        Assert.True(
            (
                await app.App.ResourceCommands.ExecuteCommandAsync(first.ResourceId, "start", HostedApplication.Timeout)
            ).Success
        );

        var second = await app.RunsAsync("worker", not: HostedApplication.Pid(first));
        Assert.NotEqual(HostedApplication.Pid(first), HostedApplication.Pid(second));
    }

    [Fact]
    public async Task A_resource_that_waits_for_a_completion_starts_after_it()
    {
        var migrated = Path.GetTempFileName();
        await using var app = await HostedApplication.StartAsync(b =>
        {
            var migrations = b.AddScript(
                "migrations",
                $"while ! test -e {migrated}.go; do sleep 0.05; done; echo migrated > {migrated}"
            );
            b.AddScript("service", $"cat {migrated}; echo up; exec sleep 1000").WaitForCompletion(migrations);
        });
        await app.LogsAsync(
            await app.ReachesAsync("service", "Waiting"),
            "Waiting for resource 'migrations' to complete."
        );
        await File.WriteAllTextAsync($"{migrated}.go", "", TestContext.Current.CancellationToken);
        await app.LogsAsync(await app.RunsAsync("service"), " migrated");
        File.Delete(migrated);
        File.Delete($"{migrated}.go");
    }

    [Fact]
    public async Task A_resource_with_a_failed_dependency_does_not_start_and_says_why()
    {
        await using var app = await HostedApplication.StartAsync(b =>
        {
            var migrations = b.AddScript("migrations", "exit 3");
            b.AddScript("service", "exec sleep 1000").WaitForCompletion(migrations);
            b.AddScript("bystander", "exec sleep 1000");
            b.AddExecutable("nonsense", "/no/such/program", "/");
        });
        await app.LogsAsync(
            await app.ReachesAsync("service", "FailedToStart"),
            "exit code 3, expected 0. See its console log."
        );
        await app.ReachesAsync("nonsense", "FailedToStart");
        await app.RunsAsync("bystander");
    }

    [Fact]
    public async Task A_resource_waits_until_its_dependency_is_healthy()
    {
        var (health, recovered) = (new Switch(), Path.GetTempFileName());
        await using var app = await HostedApplication.StartAsync(b =>
        {
            b.Services.AddHealthChecks().AddCheck("switch", health);
            var store = b.AddScript("store", "exec sleep 1000").WithHealthCheck("switch");
            b.AddScript("service", $"cat {recovered}; echo up; exec sleep 1000").WaitFor(store);
        });
        await app.States.WaitForResourceAsync(
            "store",
            e => e.Snapshot.HealthReports is [{ LastRunAt: not null }],
            HostedApplication.Timeout
        );
        await app.ReachesAsync("service", "Waiting");

        // A service that had started before would have printed an empty file.
        await File.WriteAllTextAsync(recovered, "recovered\n", TestContext.Current.CancellationToken);
        health.IsOn = true;
        await app.LogsAsync(await app.RunsAsync("service"), " recovered");
        File.Delete(recovered);
        Assert.Equal(
            HealthStatus.Healthy,
            (await app.States.WaitForResourceHealthyAsync("store", HostedApplication.Timeout)).Snapshot.HealthStatus
        );
    }

    [Fact]
    public async Task A_resource_with_an_explicit_start_waits_for_its_user()
    {
        await using var app = await HostedApplication.StartAsync(b =>
            b.AddScript("loadtests", "echo done").WithExplicitStart()
        );
        var created = await app.ReachesAsync("loadtests", "NotStarted");
        await app.App.ResourceCommands.ExecuteCommandAsync(created.ResourceId, "start", HostedApplication.Timeout);
        await app.ReachesAsync("loadtests", "Finished");
    }

    [Fact]
    public async Task Stopping_ends_dependents_before_their_dependencies()
    {
        var order = Path.GetTempFileName();
        string Until(string name) =>
            $"trap 'echo {name} >> {order}; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
        await using (
            var app = await HostedApplication.StartAsync(b =>
            {
                var store = b.AddScript("store", Until("store"));
                var cache = b.AddScript("cache", Until("cache"));
                b.AddScript("service", Until("service")).WaitFor(store).WaitFor(cache);
            })
        )
            // A process that runs has not yet begun its script on a busy machine, and would end without a word.
            foreach (var name in (string[])["store", "cache", "service"])
                await app.LogsAsync(await app.RunsAsync(name), "ready");
        Assert.Equal(
            ["service", "cache", "store"],
            await File.ReadAllLinesAsync(order, TestContext.Current.CancellationToken)
        );
        File.Delete(order);
    }

    [Fact]
    public async Task A_busy_port_is_reported_with_the_process_that_uses_it()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        var error = await Assert.ThrowsAsync<DistributedApplicationException>(() =>
            HostedApplication.StartAsync(
                b => b.AddScript("api", "exec sleep 1000").WithHttpEndpoint(port: port),
                args: "--DcpPublisher:RandomizePorts=false"
            )
        );
        Assert.Contains($"port {port} for 'api' (http)", error.Message, StringComparison.Ordinal);
        // Without --ephemeral a second stack would open the data of the first one.
        Assert.Contains("--ephemeral --DcpPublisher:RandomizePorts=true", error.Message, StringComparison.Ordinal);
        if (OperatingSystem.IsLinux())
            Assert.Contains($"process {Environment.ProcessId} ", error.Message, StringComparison.Ordinal);
    }

    private sealed class Switch : IHealthCheck
    {
        public volatile bool IsOn;

        public Task<HealthCheckResult> CheckHealthAsync(
            HealthCheckContext context,
            CancellationToken cancellationToken = default
        ) => Task.FromResult(IsOn ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("off"));
    }
}
