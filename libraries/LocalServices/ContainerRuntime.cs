namespace LocalServices;

internal static class ContainerRuntime
{
    /// <summary>Returns whether the stores run in containers. Asks the
    /// daemon, because a client without a daemon cannot run any.</summary>
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

        var asked = string.Join(", ", runtimes.Select(runtime => $"{runtime} info"));
        return mode != LocalServicesMode.Containers
            ? false
            : throw new LocalServicesException(
                $"LocalServices:Mode is containers, but no container runtime answers ({asked}). "
                    + "Start one, or leave the mode out: without a runtime, Postgres and Redis run as processes."
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
