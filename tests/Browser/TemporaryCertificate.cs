using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Browser;

/// <summary>A self-signed certificate for the https endpoints of one test.</summary>
internal sealed class TemporaryCertificate : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public TemporaryCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1),
            DateTimeOffset.UtcNow.AddDays(1)
        );
        File.WriteAllBytes(_file, certificate.Export(X509ContentType.Pfx));
    }

    /// <summary>The setting that makes a service use it.</summary>
    public Dictionary<string, string> Settings => new() { ["Kestrel__Certificates__Default__Path"] = _file };

    public void Dispose() => File.Delete(_file);
}
