using System.Net.Quic;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Adopter.Middleware;

/// <summary>Streams over QUIC, which needs libmsquic.</summary>
public sealed class Http3Tests
{
    [Fact]
    public async Task A_stream_over_HTTP_3_arrives_live_and_resumes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && QuicListener.IsSupported, "There is no libmsquic here.");
        var house = MiddlewareTable.Named("HTTPS, HSTS and redirection");
        await using var running = await RunningHouse.StartAsync(
            house with
            {
                Version = new Version(3, 0),
                Add = builder =>
                {
                    house.Add!(builder);
                    builder.WebHost.ConfigureKestrel(kestrel =>
                        kestrel.ConfigureEndpointDefaults(endpoint =>
                            endpoint.Protocols = HttpProtocols.Http1AndHttp2AndHttp3
                        )
                    );
                },
            },
            takesOver: false
        );

        string last;
        await using (var first = await running.OpenAsync("/typed/7"))
        {
            await running.AppendAsync("7", "placed");
            await first.WaitForEventsAsync(1);
            last = first.LastId!;
        }

        await running.AppendAsync("7", "paid");
        await using var second = await running.OpenAsync("/typed/7", last);
        await second.WaitForEventsAsync(1);
        Assert.Equal(["paid"], second.Events.Select(e => e.Event));
    }
}
