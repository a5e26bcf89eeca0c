using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LocalServices;

/// <summary>What the services' https endpoints use. Making one is ours; trusting it stays its user's choice.</summary>
internal static class DeveloperCertificate
{
    // The extension by which ASP.NET Core knows its developer certificates.
    private const string Marker = "1.3.6.1.4.1.311.84.1.1";

    /// <summary>False where there is none and none can be made: then https endpoints would keep the services from
    /// starting.</summary>
    public static bool Ensure()
    {
        if (Exists())
        {
            return true;
        }

        var made = Command.Run("dotnet", ["dev-certs", "https"], timeout: TimeSpan.FromMinutes(1));
        if (made is { ExitCode: 0 } && Exists())
        {
            Console.WriteLine(
                "HTTPS: made a developer certificate for localhost. To make browsers trust it: dotnet dev-certs https --trust"
            );
            return true;
        }

        Console.WriteLine(
            $"HTTPS: no developer certificate, and none could be made: no https endpoints in this run. To see why: dotnet dev-certs https\n{made?.Output}"
        );
        return false;
    }

    private static bool Exists()
    {
        try
        {
            using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
            store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
            var now = TimeProvider.System.GetLocalNow();
            return store.Certificates.Any(certificate =>
                certificate.HasPrivateKey
                && certificate.NotBefore <= now
                && now < certificate.NotAfter
                && certificate.Extensions.Any(extension => extension.Oid?.Value == Marker)
            );
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
