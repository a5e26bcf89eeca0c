using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LocalServices;

/// <summary>The certificate of the services' https endpoints. Creating
/// one is automatic; trusting it is up to the user.</summary>
internal static class DeveloperCertificate
{
    // The extension that marks ASP.NET Core's developer certificates.
    private const string Marker = "1.3.6.1.4.1.311.84.1.1";

    /// <summary>Returns false when there is no certificate and none can
    /// be created; an https endpoint would then fail to start.</summary>
    public static bool Ensure()
    {
        if (Exists())
            return true;

        var made = Command.Run(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["dev-certs", "https"],
            timeout: TimeSpan.FromMinutes(1)
        );
        if (made is { ExitCode: 0 } && Exists())
        {
            Console.WriteLine(
                "HTTPS: created a developer certificate for localhost. "
                    + "To make browsers trust it: dotnet dev-certs https --trust"
            );
            return true;
        }

        Console.WriteLine(
            "HTTPS: there is no developer certificate and none could be created, so this run has no https endpoints. "
                + $"To see why: dotnet dev-certs https\n{made?.Output}"
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
