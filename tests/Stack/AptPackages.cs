using LocalServices;

namespace Stack;

/// <summary>Packages of Debian and Ubuntu that tests need, installed by <c>apt-get</c>.</summary>
public static class AptPackages
{
    private const string Apt = "/usr/bin/apt-get";

    /// <summary>True if an installation needs no password.</summary>
    public static bool CanBeInstalled => Environment.IsPrivilegedProcess && File.Exists(Apt);

    /// <summary>Returns true, or false and what <c>apt-get</c> says.</summary>
    public static (bool Done, string Output) Install(params string[] packages)
    {
        TestContext.Current.SendDiagnosticMessage($"Installing what is missing: {string.Join(' ', packages)}");

        string[] install = ["install", "--yes", "--no-install-recommends", .. packages];
        var result = Run(install);
        if (result is not { ExitCode: 0 })
        {
            // There are no package lists (a slim image), or they name packages that the mirror has replaced.
            Run("update");
            result = Run(install);
        }

        return (result is { ExitCode: 0 }, result?.Output ?? "");
    }

    // When another run installs it too, apt waits for it and then has nothing to do.
    private static Command.Result? Run(params string[] arguments) =>
        Command.Run(
            "env",
            ["DEBIAN_FRONTEND=noninteractive", Apt, "-qq", "-o", "DPkg::Lock::Timeout=300", .. arguments]
        );
}
