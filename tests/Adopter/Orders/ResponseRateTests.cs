using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;

namespace Adopter.Orders;

/// <summary>Kestrel's minimum rate of responses, which a stream lifts for itself on HTTP/1.1 only.</summary>
public sealed class ResponseRateTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("https", true, 1)]
    [InlineData("https", false, 0)]
    [InlineData("http", true, 0)]
    public async Task The_start_warns_once_that_slow_readers_on_HTTP_2_are_cut(
        string scheme,
        bool hasRate,
        int warnings
    )
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var app = RunningOrders.Build(database.ConnectionString, "--urls", $"{scheme}://127.0.0.1:0");
        var lines = new ConcurrentQueue<string>();
        using var log = new LogLines(app.Services.GetServices<ConsoleFormatter>().First(), lines.Enqueue);

        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        using var certificate = Certificate();
        var kestrel = app.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;
        kestrel.ConfigureHttpsDefaults(https => https.ServerCertificate = certificate);

        if (!hasRate)
            kestrel.Limits.MinResponseDataRate = null;

        await app.StartAsync(Stop);
        await app.StopAsync(Stop);
        Assert.Equal(warnings, lines.Count(line => line.Contains("MinResponseDataRate", StringComparison.Ordinal)));
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
