using System.Diagnostics;
using Harness;

namespace Integration.Hosting;

/// <summary>The AppHost as a process of its own, with everything that it starts, on free ports and with empty
/// stores.</summary>
[Trait("Takes", "long")]
public class AppHostProcessTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nothing_is_left_after_the_AppHost_was_killed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for processes in /proc.");
        var run = Guid.NewGuid().ToString("N");
        await using var appHost = await AppHostProcess.StartAsync(run);

        Assert.Contains(ProcessesOf(run), p => p.Contains("dcp", StringComparison.OrdinalIgnoreCase));

        appHost.Process.Kill();
        await GoneAsync(run);
    }

    [Fact]
    public async Task Behind_a_proxy_that_refuses_loopback_the_system_becomes_healthy_and_SIGTERM_ends_it_cleanly()
    {
        var run = Guid.NewGuid().ToString("N");
        var proxy = $"http://127.0.0.1:{FreePort.Take()}"; // nothing listens there
        await using var appHost = await AppHostProcess.StartAsync(
            run,
            until: "webfrontend is at",
            ("DOTNET_ENVIRONMENT", "Development"), // outside it the services need credentials
            ("HTTP_PROXY", proxy),
            ("HTTPS_PROXY", proxy),
            ("NO_PROXY", "")
        );

        Assert.False(appHost.Process.HasExited);

        Assert.SkipUnless(OperatingSystem.IsLinux(), "Looks for processes in /proc.");
        Assert.Contains(ProcessesOf(run), p => p.Contains("dcp", StringComparison.OrdinalIgnoreCase));

        using var http = new HttpClient();
        using var stream = new StreamReader(
            await http.GetStreamAsync(
                $"{appHost.AddressOf("streamapi")}/v1/events/stream?topic=demo.>",
                TestContext.Current.CancellationToken
            )
        );
        while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is not "event: connected") { }

        Assert.True(Signals.Send(appHost.Process.Id, Signals.Terminate));
        await appHost
            .Process.WaitForExitAsync(TestContext.Current.CancellationToken)
            .WaitAsync(Timeout, TestContext.Current.CancellationToken);
        Assert.Equal(0, appHost.Process.ExitCode);
        // A stream that was cut throws.
        Assert.Contains("retry: ", await stream.ReadToEndAsync(TestContext.Current.CancellationToken));
        await GoneAsync(run);
    }

    private static Task GoneAsync(string run) =>
        Eventually.HoldsAsync(
            () => Task.FromResult(ProcessesOf(run).Count == 0),
            "every process has ended",
            () => $"Still running: {string.Join(", ", ProcessesOf(run))}",
            within: Timeout
        );

    // Every process that the AppHost starts inherits its environment, even a detached one.
    private static List<string> ProcessesOf(string run)
    {
        var found = new List<string>();
        foreach (
            var directory in Directory
                .EnumerateDirectories("/proc")
                .Where(d => int.TryParse(Path.GetFileName(d), out _))
        )
        {
            try
            {
                if (
                    File.ReadAllText($"{directory}/environ")
                        .Contains($"{AppHostProcess.Marker}={run}", StringComparison.Ordinal)
                )
                    found.Add(
                        $"{Path.GetFileName(directory)} {File.ReadAllText($"{directory}/cmdline").Replace('\0', ' ')}"
                    );
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The process has ended, or belongs to another user.
            }
        }

        return found;
    }
}

/// <summary>Ends when its test ends, whatever the result.</summary>
internal sealed class AppHostProcess(Process process) : IAsyncDisposable
{
    public const string Marker = "SSE_TEST_RUN";
    private readonly List<string> _output = [];
    public Process Process => process;

    public string AddressOf(string service) => _output.Single(l => l.Contains($"{service} is at ")).Split(' ')[^1];

    public static async Task<AppHostProcess> StartAsync(
        string run,
        string until = "Login to the dashboard at",
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo("dotnet", [Program(), "--ephemeral", "--DcpPublisher:RandomizePorts=true"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { [Marker] = run },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        var process = Process.Start(start)!;
        var appHost = new AppHostProcess(process);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);

        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            timeout.CancelAfter(TimeSpan.FromMinutes(10)); // a first run fetches the stores and the dashboard

            var isLost = false;
            while (await process.StandardOutput.ReadLineAsync(timeout.Token) is { } line)
            {
                appHost._output.Add(line);
                // The console's report of a failure that nobody restarts; its first line names the resource.
                isLost |= line.Contains("could not be started", StringComparison.Ordinal);
                if (isLost && line.Contains("What to do: ", StringComparison.Ordinal))
                    break;
                if (!line.Contains(until, StringComparison.Ordinal))
                    continue;
                // otherwise a full pipe would block it
                _ = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
                return appHost;
            }

            if (!process.HasExited)
                process.Kill();
            throw new InvalidOperationException(
                $"The AppHost did not start:\n{string.Join('\n', appHost._output)}\n{await error}"
            );
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            await appHost.DisposeAsync();
            throw new TimeoutException($"The AppHost never said '{until}':\n{string.Join('\n', appHost._output)}");
        }
        catch
        {
            await appHost.DisposeAsync();
            throw;
        }
    }

    // From its own folder: the copy beside the tests lacks the assemblies that the tests have from a framework.
    private static string Program()
    {
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;

        return Path.GetFullPath(
            Path.Combine(AppContext.BaseDirectory, "..", "..", "AppHost", configuration, "AppHost.dll")
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill(); // the orchestrator ends the rest
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
