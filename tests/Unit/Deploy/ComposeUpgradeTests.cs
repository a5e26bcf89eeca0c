using System.Diagnostics;

namespace Unit.Deploy;

/// <summary>The commands of <c>deploy/compose-upgrade</c>, by programs that only write down how they are called.
/// <c>tests/Reliability -- compose</c> upgrades a real system.</summary>
public sealed class ComposeUpgradeTests : IDisposable
{
    private const string Record = "#!/bin/sh\necho \"$(basename \"$0\") $* files=$COMPOSE_FILE\" >> \"$CALLS\"\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("upgrade-").FullName;

    [Theory]
    [InlineData("docker")]
    [InlineData("podman")]
    public async Task The_files_of_the_operator_are_used(string engine)
    {
        var run = await RunAsync(engine, "COMPOSE_FILE=compose.yaml:mine.yaml\n", "2");
        Assert.True(run.ExitCode == 0, run.Output);
        var compose = run.Calls.Where(c => c.StartsWith("podman-compose ") || c.StartsWith("docker compose ")).ToList();
        Assert.Contains(compose, c => c.Contains("up -d", StringComparison.Ordinal) && c.Contains("webfrontend"));
        Assert.All(
            compose.Where(c => !c.Contains("version")),
            c => Assert.EndsWith(" files=compose.yaml:mine.yaml", c)
        );
    }

    /// <summary>Then compose itself takes compose.yaml and compose.override.yaml.</summary>
    [Theory]
    [InlineData("docker")]
    [InlineData("podman")]
    public async Task No_file_is_named_by_default(string engine)
    {
        var run = await RunAsync(engine, "", "2");
        Assert.True(run.ExitCode == 0, run.Output);
        Assert.DoesNotContain(run.Calls, c => c.Contains(" -f ", StringComparison.Ordinal) && !c.StartsWith("curl"));
        Assert.All(run.Calls, c => Assert.EndsWith(" files=", c));
    }

    [Theory]
    [InlineData("docker", "1")]
    [InlineData("docker", "")]
    [InlineData("podman", "1")]
    public async Task It_stops_with_an_error_while_the_proxy_has_one_replica_only(string engine, string replicas)
    {
        var run = await RunAsync(engine, "", replicas);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"Stopped after broadcaster-1: HAProxy", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(run.Calls, c => c.Contains("broadcaster-2", StringComparison.Ordinal));
    }

    /// <summary>After a change of Postgres's password the replicas that are not yet replaced fail.</summary>
    [Theory]
    [InlineData("1", 0)]
    [InlineData("0", 1)]
    [InlineData("", 1)]
    public async Task With_MIN_REPLICAS_1_it_goes_on_while_the_proxy_has_one_replica(string replicas, int exitCode)
    {
        var run = await RunAsync("docker", "", replicas, minReplicas: "1");
        Assert.True(run.ExitCode == exitCode, run.Output);
        Assert.Equal(exitCode == 0, run.Calls.Any(c => c.Contains("webfrontend", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("podman-compose version: 1.0.3", 0)]
    [InlineData("podman-compose version 1.0.6", 1)]
    [InlineData("podman-compose version 1.3.0", 1)]
    public async Task A_podman_compose_that_would_replace_the_stores_is_refused(string version, int exitCode)
    {
        var run = await RunAsync("podman", "", "2", version);
        Assert.True(run.ExitCode == exitCode, run.Output);
        Assert.Equal(exitCode == 0, run.Calls.Any(c => c.Contains(" stop ", StringComparison.Ordinal)));
    }

    /// <summary>SSE_BIND may be any address, so the proxy's answer has a port on this machine.</summary>
    [Fact]
    public async Task It_asks_the_port_that_the_compose_file_publishes_on_this_machine()
    {
        Assert.Contains(
            "- 127.0.0.1:${PROXY_PORT:-8404}:8404",
            await File.ReadAllTextAsync(
                Path.Combine(Repository.Root, "deploy", "compose.yaml"),
                TestContext.Current.CancellationToken
            ),
            StringComparison.Ordinal
        );
        foreach (var (settings, port) in (IEnumerable<(string, int)>)[("", 8404), ("PROXY_PORT=9404\n", 9404)])
            Assert.Contains(
                (await RunAsync("docker", "SSE_BIND=203.0.113.5\n" + settings, "2")).Calls,
                c => c.StartsWith("curl ") && c.Contains($" http://127.0.0.1:{port}/", StringComparison.Ordinal)
            );
    }

    private async Task<(int ExitCode, string Output, IReadOnlyList<string> Calls)> RunAsync(
        string engine,
        string settings,
        string replicas,
        string podmanCompose = "",
        string? minReplicas = null
    )
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The upgrade is a shell script.");
        var (programs, calls) = (Path.Combine(_folder, "bin"), Path.Combine(_folder, "calls"));
        Directory.CreateDirectory(programs);
        File.Copy(Path.Combine(Repository.Root, "deploy", "compose-upgrade"), Path.Combine(_folder, "upgrade"), true);
        await File.WriteAllTextAsync(Path.Combine(_folder, ".env"), settings);
        await File.WriteAllTextAsync(calls, "");
        Write("docker", engine == "docker" ? Record : "#!/bin/sh\nexit 127\n");
        Write("podman", Record + "[ \"$1\" != wait ] || echo 0\n");
        Write("podman-compose", Record + $"[ \"$1\" != version ] || echo '{podmanCompose}'\n");
        Write("curl", Record + $"printf '{replicas}'\n");
        Write("sleep", "#!/bin/sh\n");
        var start = new ProcessStartInfo("bash", [Path.Combine(_folder, "upgrade")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["CALLS"] = calls, ["PATH"] = $"{programs}:{Environment.GetEnvironmentVariable("PATH")}" },
        };
        foreach (var name in (string[])["COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "PROXY_PORT"])
            start.Environment.Remove(name);
        start.Environment["MIN_REPLICAS"] = minReplicas;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors, await File.ReadAllLinesAsync(calls));

        void Write(string name, string script)
        {
            var file = Path.Combine(programs, name);
            File.WriteAllText(file, script);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
