using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Harness;
using LocalServices;
using LocalServices.Supervision;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Integration.Hosting;

/// <summary>The console reports each resource that keeps the stack from starting.</summary>
[Trait("Takes", "long")]
public class FailureReportTests(FailureReportTests.Failing failing) : IClassFixture<FailureReportTests.Failing>
{
    /// <summary>An application whose resources fail in different ways, each without the others.</summary>
    public sealed class Failing : IAsyncLifetime
    {
        /// <summary>Writes a stack trace that is longer than the report.</summary>
        private const string Frames =
            "for i in $(seq 30); do echo '   at Store.DiskFile.Write(Byte[] page) in DiskFile.cs:line 7' >&2; done; "
            + "echo '--- End of stack trace from previous location ---' >&2";

        internal Reports Console { get; } = new();
        internal HostedApplication App { get; private set; } = null!;

        public async ValueTask InitializeAsync() =>
            App = await StartAsync(
                Console,
                builder =>
                {
                    var store = builder
                        .AddScript(
                            "store",
                            "seq -f 'line %g' 20 >&2; echo the disk is full >&2; " + Frames + "; exit 3"
                        )
                        .WithRemedy("Free some space.");
                    var service = builder.AddScript("service", "exec sleep 1000").WaitForCompletion(store);
                    builder.AddScript("page", "exec sleep 1000").WaitFor(service);
                    builder.AddExecutable("nothing", "/no/such/program", Path.GetTempPath());
                    builder.AddScript("container", "exec sleep 1000").WithRemedy(ContainerStores.Remedy);
                    builder.AddScript("done", "exit 0");
                    builder.AddScript("stopped", "trap 'exit 143' TERM; while :; do sleep 0.1; done");
                    AddLast(builder, Console);
                }
            );

        public async ValueTask DisposeAsync()
        {
            await App.DisposeAsync();
            Console.Dispose();
        }
    }

    [Fact]
    public async Task A_failure_report_has_the_last_lines_the_waiting_resources_and_the_remedy()
    {
        var report = await failing.Console.FirstAsync("store");
        const string start = "store ended with exit code 3. Waiting for it: page, service.";
        Assert.StartsWith(start, report, StringComparison.Ordinal);
        Assert.Contains("the disk is full", report, StringComparison.Ordinal);
        Assert.Contains("line 20", report, StringComparison.Ordinal);
        Assert.DoesNotContain("line 1\n", report, StringComparison.Ordinal);
        Assert.DoesNotContain("\n     at Store.DiskFile", report, StringComparison.Ordinal);
        Assert.EndsWith("What to do: Free some space.", report, StringComparison.Ordinal);
    }

    /// <summary>The orchestrator logs the exception of its wait.</summary>
    [Fact]
    public async Task The_report_of_a_resource_that_waited_in_vain_has_the_reason_without_a_trace()
    {
        var report = await failing.Console.FirstAsync("service");
        Assert.Contains("stopped waiting for dependency resource 'store'", report, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"\n\s+at \S", report);
    }

    [Fact]
    public async Task A_resource_that_cannot_start_is_named_and_the_console_points_to_the_dashboard()
    {
        var report = await failing.Console.FirstAsync("nothing");
        Assert.StartsWith("nothing could not be started.", report, StringComparison.Ordinal);
        Assert.Contains("/no/such/program", report, StringComparison.Ordinal);
        Assert.Contains("in the dashboard, under nothing", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_silent_container_runtime_is_named_with_the_alternative()
    {
        var container = await failing.App.RunsAsync("container");
        // The orchestrator's state when the runtime hangs.
        await failing.App.States.PublishUpdateAsync(
            container.Resource,
            container.ResourceId,
            snapshot => snapshot with { State = "RuntimeUnhealthy" }
        );

        var report = await failing.Console.FirstAsync("container");
        Assert.Contains("the container runtime (docker or podman) does not answer", report, StringComparison.Ordinal);
        Assert.Contains("--LocalServices:Mode=native", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_resource_that_ends_well_or_was_stopped_by_a_user_has_not_failed()
    {
        await failing.App.ReachesAsync("done", "Finished");
        await failing.App.CommandAsync(await failing.App.RunsAsync("stopped"), KnownResourceCommands.StopCommand);
        await failing.Console.AfterLastAsync();
        Assert.DoesNotContain(failing.Console.All, report => report.Split(' ')[0] is "done" or "stopped");
    }

    [Fact]
    public async Task A_resource_that_never_becomes_healthy_or_never_runs_is_named_while_others_wait_for_it()
    {
        using var console = new Reports();
        await using var app = await StartAsync(
            console,
            builder =>
            {
                builder.Services.AddHealthChecks().AddCheck("never", () => HealthCheckResult.Unhealthy("it is asleep"));

                foreach (var name in (string[])["sick", "alone"])
                    builder.AddScript(name, "echo still here; exec sleep 1000").WithHealthCheck("never");

                builder
                    .AddScript("service", "exec sleep 1000")
                    .WaitFor(
                        builder.CreateResourceBuilder(
                            (ExecutableResource)builder.Resources.Single(r => r.Name == "sick")
                        )
                    );

                var pulled = builder.AddScript("pulled", "exec sleep 1000");
                builder.AddScript("page", "exec sleep 1000").WaitFor(pulled);
                AddLast(builder, console);
            },
            startSeconds: 5,
            startsWhole: false
        );
        // The orchestrator's state while an image is being pulled.
        var pulling = await app.RunsAsync("pulled");

        await app.States.PublishUpdateAsync(
            pulling.Resource,
            pulling.ResourceId,
            snapshot => snapshot with { State = KnownResourceStates.Starting }
        );

        var starting = await console.FirstAsync("pulled has been starting");
        Assert.StartsWith(
            "pulled has been starting for 5 s. Waiting for it: page.",
            starting,
            StringComparison.Ordinal
        );

        var report = await console.FirstAsync("sick has been running");
        Assert.Contains("is not healthy (it is asleep). Waiting for it: service.", report, StringComparison.Ordinal);
        Assert.Contains("still here", report, StringComparison.Ordinal);
        // By the report of a later failure, one on the other resource would be there too.
        await console.AfterLastAsync();
        Assert.DoesNotContain(console.All, r => r.StartsWith("alone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_stack_of_processes_does_not_take_the_passwords_that_containers_left()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                "--ephemeral",
                "--LocalServices:Mode=native",
                "--Parameters:postgres-password=stale",
                "--Parameters:redis-password=stale",
            ],
            TestContext.Current.CancellationToken
        );

        var passwords = builder
            .Resources.OfType<ParameterResource>()
            .Where(p => p.Secret && p.Name.EndsWith("-password", StringComparison.Ordinal))
            .ToList();
        Assert.Equal(2, passwords.Count);

        foreach (var password in passwords)
            Assert.NotEqual("stale", await password.GetValueAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Adds a resource that fails when the test writes the console's flag.</summary>
    private static void AddLast(IDistributedApplicationBuilder builder, Reports console) =>
        builder
            .AddScript("last", "while ! test -e \"$GO\"; do sleep 0.1; done; exit 5")
            .WithEnvironment("GO", console.Flag);

    private static Task<HostedApplication> StartAsync(
        Reports console,
        Action<IDistributedApplicationBuilder> compose,
        int startSeconds = 60,
        bool startsWhole = true
    ) =>
        HostedApplication.StartAsync(
            builder =>
            {
                builder.AddFailureReport();
                builder.Services.AddLogging(logging => logging.AddProvider(console));
                compose(builder);
            },
            startsWhole,
            // A start that merely takes long on a busy machine is reported too.
            args: $"--FailureReport:Seconds={startSeconds}"
        );

    /// <summary>The errors that the console shows.</summary>
    internal sealed class Reports : ILoggerProvider
    {
        private readonly WarningLines _lines = new();

        public string Flag { get; } = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        public IReadOnlyCollection<string> All =>
            [.. _lines.Lines.Where(line => line.Level >= LogLevel.Error).Select(line => line.Text)];

        /// <summary>Returns the first report that begins with these words.</summary>
        public async Task<string> FirstAsync(string words)
        {
            await Eventually.HoldsAsync(
                () => All.Any(r => r.StartsWith(words + " ", StringComparison.Ordinal)),
                $"{words} … is reported"
            );
            return All.First(r => r.StartsWith(words + " ", StringComparison.Ordinal));
        }

        /// <summary>Lets the last resource fail, and returns with its report.</summary>
        public async Task AfterLastAsync()
        {
            await File.WriteAllTextAsync(Flag, "", TestContext.Current.CancellationToken);
            await FirstAsync("last");
        }

        public ILogger CreateLogger(string categoryName) => _lines;

        public void Dispose() => File.Delete(Flag);
    }
}
