using Microsoft.Extensions.Options;

namespace Runs;

internal static class RunsExtensions
{
    /// <summary>Adds runs: work that outlives its request.</summary>
    public static void AddRuns(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RunOptions>().BindConfiguration("Runs").ValidateDataAnnotations().ValidateOnStart();
        // Requests and services get this time at shutdown; runs get theirs, and a moment to store their end.
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
        builder.Services.AddSingleton<RunLeases>();
        builder.Services.AddSingleton<RunLog>();
        builder.Services.AddSingleton<RunStore>();
        builder.Services.AddSingleton<LiveRuns>();
        builder.Services.AddSingleton<RunStreams>();
        // Stopped in reverse order: first the runs end, then the lease.
        builder.Services.AddHostedService(services => services.GetRequiredService<RunLeases>());
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveRuns>());
    }
}
