using LocalServices;
using Stack;

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
        if (!AptPackages.CanBeInstalled)
            return Refusal;

        var (_, output) = AptPackages.Install("clang", "zlib1g-dev");
        return IsThere() ? null : $"{Refusal}\n{output}";
    }

    private static bool IsThere() =>
        File.Exists("/usr/include/zlib.h")
        && new[] { "clang", "gcc" }.Any(compiler => Command.Run(compiler, ["--version"]) is { ExitCode: 0 });
}
