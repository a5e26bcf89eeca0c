using LocalServices;

namespace Unit.LocalServices;

/// <summary>Containers or processes, decided by scripts in the place of a container runtime.</summary>
public sealed class ContainerRuntimeTests : IDisposable
{
    private const string Running = "echo 28.0",
        Empty = "[ \"$1\" = info ] && echo 28.0",
        NoDaemon = "[ \"$1\" = info ] && exit 1",
        QuietNoDaemon = "[ \"$1\" = info ] && { echo 'permission denied' >&2; echo; exit 0; }; exit 1",
        Hanging = "exec sleep 600";
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private readonly StringWriter _output = new();
    private int _programs;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_runtime_that_has_the_images_runs_the_stores_without_a_registry() =>
        Assert.True(Take(LocalServicesMode.Auto, registry: false, Running));

    [Fact]
    public void A_runtime_that_can_pull_the_images_runs_the_stores() =>
        Assert.True(Take(LocalServicesMode.Auto, registry: true, Empty));

    [Fact]
    public void Without_images_and_registry_the_stores_run_as_processes_and_the_reason_is_reported()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere there are no processes to fall back to.");
        Assert.False(Take(LocalServicesMode.Auto, registry: false, Empty));
        Assert.Contains("docker.io/library/postgres:17.6", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("--LocalServices:Mode=containers", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_containers_mode_uses_containers_even_if_images_must_be_pulled() =>
        Assert.True(Take(LocalServicesMode.Containers, registry: false, Empty));

    [Fact]
    public void A_client_without_a_daemon_is_no_runtime_but_the_next_one_is()
    {
        Assert.False(Take(LocalServicesMode.Auto, registry: true, NoDaemon));
        Assert.True(Take(LocalServicesMode.Auto, registry: true, NoDaemon, Running));
        Assert.False(Take(LocalServicesMode.Auto, registry: true, QuietNoDaemon));
        Assert.True(Take(LocalServicesMode.Auto, registry: true, QuietNoDaemon, Running));
    }

    [Fact]
    public void The_runtime_that_answers_is_the_one_that_starts_the_containers()
    {
        string[] programs = [Program(NoDaemon), Program(Running)];
        Assert.Equal(programs[1], Runtime(true, programs).Choose(LocalServicesMode.Auto, Images, _output));
    }

    [Fact]
    public void A_runtime_that_hangs_is_named_and_the_stores_are_processes()
    {
        Assert.False(Take(LocalServicesMode.Auto, registry: true, Hanging));
        Assert.Contains("did not answer within 5 s", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Containers_without_a_runtime_are_refused_with_each_ones_state_and_the_remedy()
    {
        var refused = Assert.Throws<LocalServicesException>(() =>
            Runtime(true, [Path.Combine(_folder, "missing"), Program(NoDaemon), Program(Hanging)])
                .Choose(LocalServicesMode.Containers, Images, _output)
        );
        Assert.Contains("missing is not installed", refused.Message, StringComparison.Ordinal);
        Assert.Contains("info failed", refused.Message, StringComparison.Ordinal);
        Assert.Contains("did not answer within 5 s", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--LocalServices:Mode=native", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_registry_that_refuses_connections_does_not_answer() =>
        Assert.False(ImageRegistry.Answers(Images[0], $"http://127.0.0.1:{Harness.FreePort.Take()}/v2/"));

    private static IReadOnlyList<ContainerImage> Images { get; } = [ContainerStores.Postgres, ContainerStores.Redis];

    private bool Take(LocalServicesMode mode, bool registry, params string[] scripts) =>
        Runtime(registry, [.. scripts.Select(Program)]).Choose(mode, Images, _output) is not null;

    private static ContainerRuntime Runtime(bool registry, IReadOnlyList<string> programs) =>
        new(programs, _ => registry) { Timeout = TimeSpan.FromSeconds(5) };

    private string Program(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The runtimes are shell scripts.");
        var path = Path.Combine(_folder, $"docker{_programs++}");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
