using Unit.Build;

namespace Unit.Deploy;

/// <summary>The commands of <c>deploy/compose-upgrade</c>, by programs that only write down how they are called.
/// <c>tests/Reliability -- compose</c> upgrades a real system.</summary>
public sealed class ComposeUpgradeTests : IDisposable
{
    private const string Record = "#!/bin/sh\necho \"$(basename \"$0\") $* files=$COMPOSE_FILE\" >> \"$STATE/calls\"\n",
        OldPodman = "podman-compose version: 1.0.3";

    private readonly ScriptFolder _folder = new("deploy/compose-upgrade");

    public void Dispose() => _folder.Dispose();

    /// <summary>Without a setting compose itself takes compose.yaml and compose.override.yaml.</summary>
    [Theory]
    [InlineData("docker", "COMPOSE_FILE=compose.yaml:mine.yaml\n", "compose.yaml:mine.yaml")]
    [InlineData("podman", "COMPOSE_FILE=compose.yaml:mine.yaml\n", "compose.yaml:mine.yaml")]
    [InlineData("docker", "", "")]
    [InlineData("podman", "", "")]
    public async Task The_files_of_the_operator_are_used(string engine, string settings, string files)
    {
        var (code, output, calls) = await RunAsync(engine, "2", settings);
        Assert.True(code == 0, output);
        var compose = calls.Where(c => c.StartsWith("podman-compose ") || c.StartsWith("docker compose ")).ToList();
        Assert.Contains(compose, c => c.Contains("up -d", StringComparison.Ordinal) && c.Contains("webfrontend"));
        Assert.All(compose.Where(c => !c.Contains("version")), c => Assert.EndsWith($" files={files}", c));
        Assert.DoesNotContain(compose, c => c.Contains(" -f ", StringComparison.Ordinal));
    }

    /// <summary>With MIN_REPLICAS=1, for a change of Postgres's password: the replicas that are not yet replaced fail.
    /// </summary>
    [Theory]
    [InlineData("docker", "2", null, true)]
    [InlineData("docker", "1", null, false)]
    [InlineData("docker", "", null, false)]
    [InlineData("podman", "1", null, false)]
    [InlineData("docker", "1", "1", true)]
    [InlineData("docker", "0", "1", false)]
    [InlineData("docker", "", "1", false)]
    public async Task It_stops_with_an_error_while_the_proxy_has_too_few_replicas(
        string engine,
        string replicas,
        string? least,
        bool goesOn
    )
    {
        var (code, output, calls) = await RunAsync(engine, replicas, least: least);
        Assert.True(code == (goesOn ? 0 : 1), output);
        Assert.Equal(!goesOn, output.Contains("Stopped after broadcaster-1: HAProxy", StringComparison.Ordinal));
        Assert.Equal(goesOn, calls.Any(c => c.Contains("broadcaster-2", StringComparison.Ordinal)));
        Assert.Equal(goesOn, calls.Any(c => c.Contains("webfrontend", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(OldPodman, 0)]
    [InlineData("podman-compose version 1.0.6", 1)]
    [InlineData("podman-compose version 1.3.0", 1)]
    public async Task A_podman_compose_that_would_replace_the_stores_is_refused(string version, int expected)
    {
        var (code, output, calls) = await RunAsync("podman", "2", podman: version);
        Assert.True(code == expected, output);
        Assert.Equal(expected == 0, calls.Any(c => c.Contains(" stop ", StringComparison.Ordinal)));
    }

    /// <summary>The .env file wins with podman-compose 1.0.3, which would start the former version again.</summary>
    [Theory]
    [InlineData("podman", "SSE_TAG=0.1.0\n", 1)]
    [InlineData("podman", "SSE_TAG=0.1.0\nSSE_TAG=0.2.0\n", 0)]
    [InlineData("podman", "", 0)]
    [InlineData("docker", "SSE_TAG=0.1.0\n", 0)]
    public async Task A_tag_that_would_not_be_used_is_refused(string engine, string settings, int expected)
    {
        var (code, output, calls) = await RunAsync(engine, "2", settings, tag: "0.2.0");
        Assert.True(code == expected, output);
        Assert.Equal(expected == 0, calls.Any(c => c.Contains("webfrontend", StringComparison.Ordinal)));
    }

    /// <summary>SSE_BIND may be any address, so the proxy's answer has a port on this machine.</summary>
    [Theory]
    [InlineData("", 8404)]
    [InlineData("PROXY_PORT=9404\n", 9404)]
    public async Task It_asks_the_port_that_the_compose_file_publishes_on_this_machine(string settings, int port)
    {
        var compose = Path.Combine(Repository.Root, "deploy", "compose.yaml");
        Assert.Contains("- 127.0.0.1:${PROXY_PORT:-8404}:8404", File.ReadAllText(compose), StringComparison.Ordinal);
        var (_, _, calls) = await RunAsync("docker", "2", "SSE_BIND=203.0.113.5\n" + settings);
        Assert.Contains(
            calls,
            c => c.StartsWith("curl ") && c.Contains($" http://127.0.0.1:{port}/", StringComparison.Ordinal)
        );
    }

    private async Task<(int Code, string Output, string[] Calls)> RunAsync(
        string engine,
        string replicas,
        string settings = "",
        string? least = null,
        string podman = OldPodman,
        string? tag = null
    )
    {
        Directory.CreateDirectory(_folder.PathOf("deploy"));
        await File.WriteAllTextAsync(_folder.PathOf("deploy/.env"), settings);
        _folder.Replace("docker", engine == "docker" ? Record : "#!/bin/sh\nexit 127\n");
        _folder.Replace("podman", Record + "[ \"$1\" != wait ] || echo 0\n");
        _folder.Replace("podman-compose", Record + $"[ \"$1\" != version ] || echo '{podman}'\n");
        _folder.Replace("curl", Record + $"printf '{replicas}'\n");
        _folder.Replace("sleep", "#!/bin/sh\n");
        var (code, output) = await _folder.RunAsync(
            [],
            ("MIN_REPLICAS", least),
            ("SSE_TAG", tag),
            ("COMPOSE_FILE", null),
            ("COMPOSE_PROJECT_NAME", null),
            ("PROXY_PORT", null)
        );

        return (code, output, await File.ReadAllLinesAsync(_folder.PathOf("calls")));
    }
}
