using System.ComponentModel;
using System.Diagnostics;

namespace Reliability.Compose;

/// <summary>A container engine with compose: docker with its plugin, or podman with podman-compose.</summary>
internal sealed record ComposeEngine(string Program, IReadOnlyList<string> Compose, char Separator)
{
    private static readonly ComposeEngine Docker = new("docker", ["docker", "compose"], '-');
    private static readonly ComposeEngine Podman = new("podman", ["podman-compose"], '_');

    /// <summary>The command that builds an image. Podman's default format has no health check.</summary>
    public string Build => Program == "podman" ? "podman build --format docker --isolation chroot" : "docker build";

    /// <summary>Returns the first engine that answers, or null and the reason.</summary>
    public static (ComposeEngine? Engine, string Reason) Find()
    {
        foreach (var engine in (ComposeEngine[])[Docker, Podman])
        {
            if (!Answers([engine.Program, "version", "--format", "{{.Server.Version}}"]))
                continue;
            if (!Answers([.. engine.Compose, "version"]))
                continue;
            foreach (var image in (string[])["streamapi", "broadcaster", "webfrontend"])
                if (!Answers([engine.Program, "image", "inspect", $"aspire-sse/{image}:latest"]))
                    return (null, $"{engine.Program} has no image aspire-sse/{image}:latest. Run eng/images first.");
            return (engine, "");
        }
        return (null, "no container engine with compose answers (docker compose version, podman-compose version).");
    }

    /// <summary>Returns the name that compose gives a service's container.</summary>
    public string ContainerOf(string project, string service) => $"{project}{Separator}{service}{Separator}1";

    private static bool Answers(IReadOnlyList<string> command)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(command[0], command.Skip(1))
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                }
            )!;
            var (output, _) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            if (process.WaitForExit(TimeSpan.FromSeconds(20)))
                return process.ExitCode == 0 && output.Result.Trim().Length > 0;
            process.Kill(entireProcessTree: true);
            return false;
        }
        catch (Win32Exception)
        {
            return false; // not installed
        }
    }
}
