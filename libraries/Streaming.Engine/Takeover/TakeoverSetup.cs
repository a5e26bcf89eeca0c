using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace Streaming.Takeover;

/// <summary>Lets streams take their connections over from Kestrel, if <see cref="SseOptions.TakeOverConnections"/> is
/// set.</summary>
internal sealed class TakeoverSetup(IOptions<SseOptions> streaming, OpenConnections open)
    : IConfigureOptions<KestrelServerOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        if (streaming.Value.TakeOverConnections)
            options.ConfigureEndpointDefaults(endpoint =>
                endpoint.Use(KestrelTakeover.Middleware(open, options.Limits))
            );
    }
}
