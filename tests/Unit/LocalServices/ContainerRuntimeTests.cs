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

    /// <param name="runtimes">The runtimes, in the order in which they are asked.</param>
    /// <param name="chosen">The one that starts the containers, or null if the stores are processes.</param>
    /// <param name="reason">What is printed.</param>
    [Theory]
    [InlineData(nameof(LocalServicesMode.Auto), false, Running, 0, "")]
    [InlineData(nameof(LocalServicesMode.Auto), true, Empty, 0, "")]
    [InlineData(nameof(LocalServicesMode.Auto), false, Empty, null, "docker.io/library/postgres:17.6")]
    [InlineData(nameof(LocalServicesMode.Auto), false, Empty, null, "--LocalServices:Mode=containers")]
    [InlineData(nameof(LocalServicesMode.Containers), false, Empty, 0, "")] // they are pulled
    [InlineData(
        nameof(LocalServicesMode.Auto),
        true,
        NoDaemon,
        null,
        "info failed. Postgres and Redis run as processes"
    )]
    [InlineData(nameof(LocalServicesMode.Auto), true, NoDaemon + "|" + Running, 1, "")]
    [InlineData(nameof(LocalServicesMode.Auto), true, QuietNoDaemon, null, "info failed")]
    [InlineData(nameof(LocalServicesMode.Auto), true, QuietNoDaemon + "|" + Running, 1, "")]
    [InlineData(nameof(LocalServicesMode.Auto), true, Hanging, null, "did not answer within 5 s")]
    public void The_first_runtime_that_has_or_gets_the_images_runs_the_stores(
        string mode,
        bool registry,
        string runtimes,
        int? chosen,
        string reason
    )
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere there are no processes to fall back to.");
        string[] programs = [.. runtimes.Split('|').Select(Program)];
        var found = Runtime(registry, programs).Choose(Enum.Parse<LocalServicesMode>(mode), Images, _output);
        Assert.Equal(chosen is { } index ? programs[index] : null, found);
        Assert.Contains(reason, _output.ToString(), StringComparison.Ordinal);
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
