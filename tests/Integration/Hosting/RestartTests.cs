using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using LocalServices.Supervision;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Integration.Hosting;

public class RestartTests
{
    [Fact]
    public async Task A_killed_or_ended_process_restarts_and_a_stopped_one_stays_stopped()
    {
        await using var app = await HostedApplication.StartAsync(
            builder =>
            {
                foreach (var name in (string[])["worker", "stopped"])
                    builder.AddScript(name, "exec sleep 1000").WithRestart();
                builder.AddScript("ends", "exec sleep 0.2").WithRestart();
                builder.AddScript("left", "exec sleep 1000");
            },
            args: "--Restart:DelaySeconds=0.1"
        );

        await app.LogsAsync(
            await app.RunsAsync("ends"),
            "It is restarted in 0.1 s (Restart:DelaySeconds; 0 turns restarts off)."
        );

        var (worker, stopped, left) = (
            await app.RunsAsync("worker"),
            await app.RunsAsync("stopped"),
            await app.RunsAsync("left")
        );
        await app.CommandAsync(stopped, KnownResourceCommands.StopCommand);
        Kill(left);
        await app.EndsAsync("left");

        // Twice; the second end is that of the process that the orchestrator started after the first.
        for (var i = 0; i < 2; i++)
        {
            Kill(worker);
            worker = await app.RunsAsync("worker", not: HostedApplication.Pid(worker));
        }

        var log = await app
            .App.Services.GetRequiredService<ResourceLoggerService>()
            .WatchAsync(worker.ResourceId)
            .FirstAsync(HostedApplication.Timeout);
        Assert.Equal(2, log.Count(line => line.Content.Contains("Ended unexpectedly", StringComparison.Ordinal)));

        // Both ended before the worker, so a restart of them would come first.
        foreach (var gone in (ResourceEvent[])[stopped, left])
        {
            Assert.True(app.States.TryGetCurrentState(gone.ResourceId, out var current));
            Assert.Contains(current!.Snapshot.State?.Text, (string[])["Exited", "Finished"]);
        }
    }

    [Fact]
    public async Task A_stopped_resource_stays_stopped_and_none_restarts_before_its_delay()
    {
        // The worker's own start and stop must be over by then, on a busy machine too.
        const int Delay = 8;
        await using var app = await HostedApplication.StartAsync(
            builder =>
            {
                foreach (var name in (string[])["worker", "witness"])
                    builder.AddScript(name, "exec sleep 1000").WithRestart();
            },
            args: $"--Restart:DelaySeconds={Delay}"
        );
        var (worker, witness) = (await app.RunsAsync("worker"), await app.RunsAsync("witness"));
        Kill(worker);
        await app.EndsAsync("worker");
        await app.CommandAsync(worker, KnownResourceCommands.StartCommand);
        worker = await app.RunsAsync("worker", not: HostedApplication.Pid(worker));
        await app.CommandAsync(worker, KnownResourceCommands.StopCommand);

        // Ends after the worker, so the worker's restart would come first.
        var ended = Stopwatch.StartNew();
        Kill(witness);
        await app.RunsAsync("witness", not: HostedApplication.Pid(witness));
        Assert.True(ended.Elapsed > TimeSpan.FromSeconds(Delay), $"after {ended.Elapsed}");
        Assert.True(app.States.TryGetCurrentState(worker.ResourceId, out var current));
        Assert.Contains(current!.Snapshot.State?.Text, (string[])["Exited", "Finished"]);
    }

    [Fact]
    public async Task A_process_that_ends_while_the_AppHost_stops_is_not_restarted()
    {
        var starts = Path.GetTempFileName();
        await using (
            var app = await HostedApplication.StartAsync(
                b => b.AddScript("worker", $"echo started >> {starts}; echo ready; exec sleep 1000").WithRestart(),
                args: "--Restart:DelaySeconds=0.001"
            )
        )
        {
            var worker = await app.RunsAsync("worker");
            // A process that runs has not yet begun its script on a busy machine.
            await app.LogsAsync(worker, "ready");
            // Ctrl+C, which a shell sends to the processes too.
            app.App.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
            Kill(worker);
            await app.EndsAsync("worker");
        }

        Assert.Equal(["started"], await File.ReadAllLinesAsync(starts, TestContext.Current.CancellationToken));
        File.Delete(starts);
    }

    [Fact]
    public async Task A_delay_that_is_no_number_is_named_at_the_start()
    {
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            HostedApplication.StartAsync(
                b => b.AddScript("worker", "true").WithRestart(),
                args: "--Restart:DelaySeconds=soon"
            )
        );
        Assert.Contains(
            "Restart:DelaySeconds is 'soon'; it must be a number of seconds from 0 (off) to 60.",
            error.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_delay_doubles_up_to_a_minute() =>
        Assert.Equal(
            [3, 6, 12, 24, 48, 60, 60],
            Enumerable.Range(1, 7).Select(ends => new RestartDelay(TimeSpan.FromSeconds(3)).Of(ends).TotalSeconds)
        );

    private static void Kill(ResourceEvent resource)
    {
        using var process = Process.GetProcessById(HostedApplication.Pid(resource)!.Value);
        process.Kill();
    }
}
