using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Shows when the certificate that Kestrel serves expires, as a metric. Taken from each handshake, so that a renewed
/// certificate is seen; there is no value before the first one.
/// </summary>
internal sealed class CertificateExpiry : IConfigureOptions<KestrelServerOptions>
{
    private long _expires;

    public CertificateExpiry(IMeterFactory meters) =>
        meters
            .Create("AspireSse.ServiceDefaults")
            .CreateObservableGauge(
                "tls.server.certificate.expiry.timestamp",
                Expiry,
                "s",
                "Unix time at which the certificate that this process serves expires."
            );

    public void Configure(KestrelServerOptions options) =>
        options.ConfigureHttpsDefaults(https =>
            https.OnAuthenticate = (_, handshake) =>
            {
                var certificate =
                    handshake.ServerCertificateContext?.TargetCertificate
                    ?? handshake.ServerCertificate as X509Certificate2;
                if (certificate is not null)
                    Volatile.Write(
                        ref _expires,
                        new DateTimeOffset(certificate.NotAfter.ToUniversalTime()).ToUnixTimeSeconds()
                    );
            }
        );

    private IEnumerable<Measurement<long>> Expiry() =>
        Volatile.Read(ref _expires) is > 0 and var expires ? [new Measurement<long>(expires)] : [];
}
