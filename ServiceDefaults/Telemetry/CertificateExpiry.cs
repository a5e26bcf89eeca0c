using System.Diagnostics.Metrics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Telemetry;

/// <summary>Shows as a metric when the certificate of the last handshake expires, so that a renewal is seen.</summary>
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
