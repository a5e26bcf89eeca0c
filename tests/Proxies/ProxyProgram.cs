using Harness;
using LocalServices;

namespace Proxies;

/// <summary>A reverse proxy of Debian.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="Package">Its main package, and the name of its file of configuration.</param>
/// <param name="Program">The program's path within the package.</param>
/// <param name="Version">The argument that makes it print its version.</param>
/// <param name="Arguments">Its arguments: @file@ is the configuration, the other names are as in there.</param>
internal sealed record ProxyProgram(string Name, string Package, string Program, string Version, string[] Arguments)
{
    /// <summary>Packages beside the main one and its libraries.</summary>
    public string[] Others { get; init; } = [];

    /// <summary>True if HTTP/2 without TLS has a port of its own; false if it shares one. Null without it.</summary>
    public bool? HasOwnHttp2Port { get; init; }

    /// <summary>The age at which it ends a stream, whatever that sends; it takes too long to be measured each time
    /// (1,500 s with an event every 15 s, 2026-11-28).</summary>
    public string TotalAge { get; init; } = "none in 1500 s";

    /// <summary>The same with the lines that a stream needs (1,100 s).</summary>
    public string? MendedAge { get; init; }

    /// <summary>True if it writes files into its user's home.</summary>
    public bool NeedsHome { get; init; }

    /// <exception cref="LocalServicesException">It is not installed and could not be downloaded.</exception>
    public LocalProgram Find() =>
        LocalProgram.Find(
            Path.Combine(Repository.Root, ".local", "tools", "proxies"),
            Package,
            [],
            Version,
            [Package, .. Others],
            Program,
            "This needs Debian's packages."
        );
}
