// Stands in for Microsoft.Extensions.ServiceDiscovery. Not affiliated with Microsoft or the .NET Foundation.
using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// Looks services up in the configuration from the AppHost, such as
/// <c>services__streamapi__http__0=http://localhost:5080</c>. Understands <c>http://streamapi</c>,
/// <c>https+http://streamapi</c> (the first scheme found) and <c>http://_admin.streamapi</c> (an endpoint's name).
/// </summary>
internal sealed class ServiceEndpoints(IConfiguration configuration)
{
    private readonly ConcurrentDictionary<string, int> turns = [];

    /// <summary>Returns the address to use for <paramref name="uri"/>,
    /// round-robin among several. Returns other addresses unchanged.</summary>
    public Uri Resolve(Uri uri)
    {
        var schemes = uri.Scheme.Split('+');
        var (endpoint, service) =
            uri.Host.StartsWith('_') && uri.Host.Split('.', 2) is [var first, var rest]
                ? (first[1..], rest)
                : (null, uri.Host);
        var section = configuration.GetSection("services").GetSection(service);
        string[] candidates = endpoint is null ? ["default", .. schemes] : [endpoint];
        foreach (var candidate in candidates)
        {
            var named = section.GetSection(candidate);
            string[] addresses = named.Value is { Length: > 0 } single
                ? [single]
                : [.. named.GetChildren().Select(a => a.Value ?? "")];
            if (addresses.Length > 0)
            {
                var turn = turns.AddOrUpdate(named.Path, 0, (_, last) => last + 1);
                return At(addresses[(int)((uint)turn % (uint)addresses.Length)], named.Path, schemes[0], uri);
            }
        }

        return schemes.Length == 1
            ? uri
            : new UriBuilder(uri) { Scheme = schemes[0], Port = uri.IsDefaultPort ? -1 : uri.Port }.Uri;
    }

    private static Uri At(string address, string path, string scheme, Uri uri) =>
        Uri.TryCreate(
            address.Contains("://", StringComparison.Ordinal) ? address : $"{scheme}://{address}",
            UriKind.Absolute,
            out var found
        ) && found.Host is not ""
            ? new UriBuilder(uri)
            {
                Scheme = found.Scheme,
                Host = found.Host,
                Port = found.Port,
            }.Uri
            : throw new InvalidOperationException(
                $"The configuration '{path}' holds '{address}', which is not a service address (http://host:port)."
            );
}
