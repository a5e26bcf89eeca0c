using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LocalServices;

/// <summary>The certificate of the services' https endpoints, created at the first start.</summary>
internal static class DeveloperCertificate
{
    // The extension that marks ASP.NET Core's developer certificates.
    private const string Marker = "1.3.6.1.4.1.311.84.1.1";

    /// <summary>Returns false when there is no certificate and none can be created; an https endpoint would then fail
    /// to start.</summary>
    public static bool Ensure()
    {
        // Trust needs no password on Linux, and without it Aspire's dashboard shows an error on every page. Elsewhere
        // a dialog would interrupt the start.
        var isTrusting = OperatingSystem.IsLinux();
        if (Find(isTrusted: isTrusting))
            return true;

        // Partial trust ends with an error code, so only the store tells whether it worked.
        var made = Command.Run(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            isTrusting ? ["dev-certs", "https", "--trust"] : ["dev-certs", "https"],
            timeout: TimeSpan.FromMinutes(1)
        );

        if (Find(isTrusted: false))
        {
            Console.WriteLine(
                isTrusting
                    ? "HTTPS: created a developer certificate for localhost, which .NET programs of this user trust "
                        + "(to undo: dotnet dev-certs https --clean). For browsers: https://aka.ms/dev-certs-trust"
                    : "HTTPS: created a developer certificate for localhost. To make browsers trust it: "
                        + "dotnet dev-certs https --trust"
            );
            return true;
        }

        Console.WriteLine(
            "HTTPS: there is no developer certificate and none could be created, so this run has no https endpoints. "
                + $"To see why: dotnet dev-certs https\n{made?.Output}"
        );
        return false;
    }

    private static bool Find(bool isTrusted)
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
                && (!isTrusted || IsTrusted(certificate))
            );
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool IsTrusted(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
