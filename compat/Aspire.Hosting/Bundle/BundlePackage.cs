// Part of the stand-in for Aspire.Hosting: fetches the programs that the packages Aspire.Hosting.Orchestration
// and Aspire.Dashboard.Sdk would bring. Not affiliated with Microsoft or the .NET Foundation.
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Aspire.Hosting.Bundle;

/// <summary>The npm package for this platform, as package.json beside this file names it. Sizes are in bytes.</summary>
internal sealed record BundlePackage(string Name, string Version, long Download, long Program, long Unpacked)
{
    public static BundlePackage Read()
    {
        using var manifest = JsonDocument.Parse(Text("package.json"));
        var name = $"@microsoft/aspire-cli-{Platform}";
        if (!manifest.RootElement.GetProperty("dependencies").TryGetProperty(name, out var version))
            throw new BundleUnavailableException(
                $"compat/Aspire.Hosting/Bundle/package.json pins no Aspire dashboard and orchestrator for {Platform}. "
                    + "Use a NuGet feed that carries Aspire (UseAspirePackages=true), or add the platform's package "
                    + "as docs/upgrading-aspire.md says."
            );

        var sizes = manifest.RootElement.GetProperty("sizes");
        return new BundlePackage(
            name,
            version.GetString()!,
            sizes.GetProperty("download").GetInt64(),
            sizes.GetProperty("program").GetInt64(),
            sizes.GetProperty("unpacked").GetInt64()
        );
    }

    public static string Text(string file)
    {
        using var reader = new StreamReader(
            typeof(BundlePackage).Assembly.GetManifestResourceStream($"bundle/{file}")!
        );
        return reader.ReadToEnd();
    }

    // npm's names for the platforms. A C library other than glibc
    // (musl) has its own runtime identifier, and no package here.
    private static string Platform =>
        RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal)
            ? RuntimeInformation.RuntimeIdentifier
            : (
                OperatingSystem.IsWindows() ? "win32"
                : OperatingSystem.IsMacOS() ? "darwin"
                : "linux"
            ) + (RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "-arm64" : "-x64");
}
