using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Streaming.Opening;

/// <summary>Warns of Kestrel's minimum rate of responses, which <see cref="StreamResponseHeaders"/> lifts on HTTP/1.1
/// only. A worker has no server.</summary>
internal sealed class ResponseRateNotice(
    IOptions<KestrelServerOptions> kestrel,
    IHostApplicationLifetime application,
    ILogger<ResponseRateNotice> logger,
    IServer? server = null
) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        application.ApplicationStarted.Register(WarnOfHttp2);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void WarnOfHttp2()
    {
        // Browsers speak HTTP/2 over TLS alone.
        var addresses = server?.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var mayBeHttp2 = addresses.Any(a => a.StartsWith("https:", StringComparison.OrdinalIgnoreCase));
        if (mayBeHttp2 && kestrel.Value.Limits.MinResponseDataRate is { } rate)
            logger.LogWarning(
                "An HTTP/2 stream whose client reads less than {Bytes} bytes per second is cut, and resumes: "
                    + "KestrelServerOptions.Limits.MinResponseDataRate is set, and only HTTP/1.1 streams can lift it. "
                    + "Set it to null to let clients read as slowly as they like",
                rate.BytesPerSecond
            );
    }
}
