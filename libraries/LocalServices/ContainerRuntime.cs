namespace LocalServices;

internal static class ContainerRuntime
{
    /// <summary>Whether the stores run in containers: a client without its daemon is no runtime, so the server is
    /// asked.</summary>
    public static bool Take(LocalServicesMode mode)
    {
        if (mode == LocalServicesMode.Native)
        {
            return false;
        }

        var chosen =
            Environment.GetEnvironmentVariable("ASPIRE_CONTAINER_RUNTIME")
            ?? Environment.GetEnvironmentVariable("DOTNET_ASPIRE_CONTAINER_RUNTIME");
        string[] runtimes = chosen is { Length: > 0 } ? [chosen] : ["docker", "podman"];
        if (runtimes.Any(Answers))
        {
            return true;
        }

        return mode != LocalServicesMode.Containers
            ? false
            : throw new LocalServicesException(
                $"LocalServices:Mode is containers, but neither answers: {string.Join(", ", runtimes.Select(runtime => $"{runtime} info"))}. "
                    + "Start the container runtime, or leave the mode out: without one, Postgres and Redis run as processes."
            );
    }

    private static bool Answers(string runtime) =>
        Command.Run(
            runtime,
            ["info", "--format", runtime == "podman" ? "{{.Version.Version}}" : "{{.ServerVersion}}"],
            timeout: TimeSpan.FromSeconds(5)
        )
            is { ExitCode: 0, Output.Length: > 0 };
}
