// Part of the stand-in for Aspire.Hosting: fetches the programs that the packages Aspire.Hosting.Orchestration
// and Aspire.Dashboard.Sdk would bring. Not affiliated with Microsoft or the .NET Foundation.
using System.Reflection;

namespace Aspire.Hosting.Bundle;

/// <summary>The paths of Aspire's own orchestrator and dashboard.</summary>
internal sealed record AspireBundle(string Orchestrator, string Dashboard)
{
    /// <summary>Fetches the bundle on a clone's first start and reports progress to
    /// <paramref name="output"/>. Later starts only check that it is there.</summary>
    /// <exception cref="BundleUnavailableException">The message says what is missing and how to get it.</exception>
    public static async Task<AspireBundle> RestoreAsync(TextWriter output, CancellationToken cancellation)
    {
        var package = BundlePackage.Read();
        var folder = Path.Combine(Folder, package.Version);
        var bundle = Path.Combine(folder, "bundle");
        if (!Directory.Exists(bundle))
            await new BundleRestore(package, folder, output).RunAsync(bundle, cancellation);

        // The dashboard needs the `wwwroot` beside it, so it is started in place.
        return new AspireBundle(Path.Combine(bundle, "dcp", "dcp"), Path.Combine(bundle, "managed", "aspire-managed"));
    }

    private static string Folder { get; } =
        typeof(AspireBundle)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(attribute => attribute.Key == "AspireBundleFolder")
            .Value!;
}

/// <summary>Carries a message for the user; no stack trace is needed.</summary>
internal sealed class BundleUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
