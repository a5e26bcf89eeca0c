using LocalServices;

namespace Packages;

/// <summary>The programs and files that make a native program: a C compiler, and zlib for development.</summary>
internal static class NativeCompiler
{
    /// <summary>Returns why this machine lacks them, or null. Installs them if that needs no password.</summary>
    public static string? Missing()
    {
        if (IsThere())
            return null;

        const string Refusal =
            "A C compiler or zlib is missing. Install both (Debian, Ubuntu: sudo apt-get install -y clang zlib1g-dev).";
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/apt-get"))
            return Refusal;

        TestContext.Current.SendDiagnosticMessage("Installing what is missing: apt-get install clang zlib1g-dev");

        var result = Install();
        if (result is not { ExitCode: 0 })
        {
            // There are no package lists (a slim image), or they name packages that the mirror has replaced.
            Apt("update");
            result = Install();
        }

        return IsThere() ? null : $"{Refusal}\n{result?.Output}";
    }

    private static bool IsThere() =>
        File.Exists("/usr/include/zlib.h")
        && new[] { "clang", "gcc" }.Any(compiler => Command.Run(compiler, ["--version"]) is { ExitCode: 0 });

    private static Command.Result? Install() =>
        Apt("install", "--yes", "--no-install-recommends", "clang", "zlib1g-dev");

    private static Command.Result? Apt(params string[] arguments) =>
        Command.Run(
            "env",
            ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", .. arguments]
        );
}
