// Part of the stand-in for Aspire.Hosting: fetches what the packages Aspire.Hosting.Orchestration and
// Aspire.Dashboard.Sdk would bring. Not affiliated with Microsoft or the .NET Foundation.
using System.Reflection;

namespace Aspire.Hosting.Bundle;

/// <summary>Where Aspire's own orchestrator and dashboard lie. Stands in for the packages Aspire.Hosting.Orchestration
/// and Aspire.Dashboard.Sdk.</summary>
internal sealed record AspireBundle(string Orchestrator, string Dashboard)
{
    /// <summary>Fetches the bundle on a clone's first start, telling <paramref name="output"/> how far it is; later
    /// starts only look.</summary>
    /// <exception cref="BundleUnavailableException">The message says what is missing and how to get it.</exception>
    public static async Task<AspireBundle> RestoreAsync(TextWriter output, CancellationToken cancellation)
    {
        var package = BundlePackage.Read();
        var folder = Path.Combine(Folder, package.Version);
        var bundle = Path.Combine(folder, "bundle");
        if (!Directory.Exists(bundle))
        {
            await new BundleRestore(package, folder, output).RunAsync(bundle, cancellation);
        }

        // The dashboard needs `wwwroot` beside it: it is started where it lies.
        return new AspireBundle(Path.Combine(bundle, "dcp", "dcp"), Path.Combine(bundle, "managed", "aspire-managed"));
    }

    private static string Folder { get; } =
        typeof(AspireBundle)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .First(attribute => attribute.Key == "AspireBundleFolder")
            .Value!;
}

/// <summary>Its message is all a person needs to see.</summary>
internal sealed class BundleUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
