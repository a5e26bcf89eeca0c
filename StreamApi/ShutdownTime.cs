using Microsoft.Extensions.Options;

namespace StreamApi;

/// <summary>The time that this service takes to stop.</summary>
internal static class ShutdownTime
{
    /// <summary>Requests and services get the host's time at shutdown. Runs get theirs, and two seconds to store their
    /// end.</summary>
    public static void AddShutdownTime(this WebApplicationBuilder builder) =>
        builder
            .Services.AddOptions<HostOptions>()
            .PostConfigure<IOptions<RunOptions>>(
                (host, runs) =>
                {
                    var needed = TimeSpan.FromSeconds(runs.Value.DrainSeconds + 2);
                    if (host.ShutdownTimeout < needed)
                        host.ShutdownTimeout = needed;
                }
            );
}
