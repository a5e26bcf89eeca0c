namespace Runs;

internal static class RunsExtensions
{
    public static void AddRuns(this WebApplicationBuilder builder)
    {
        builder
            .Services.AddOptions<RunOptions>()
            .BindConfiguration("Runs")
            .ValidateDataAnnotations()
            .Validate(
                o => o.LeaseSeconds > 2 * o.RenewSeconds,
                "Runs:LeaseSeconds must be more than twice Runs:RenewSeconds, or a late renewal would end living runs."
            )
            .ValidateOnStart();
        builder
            .Services.AddOptions<DrainOptions>()
            .BindConfiguration("Llm")
            .ValidateDataAnnotations()
            .ValidateOnStart();
        builder.Services.AddSingleton<RunLeases>();
        builder.Services.AddSingleton<RunLog>();
        builder.Services.AddSingleton<LiveRuns>();
        builder.Services.AddSingleton<RunStreams>();
        // Stopped in reverse: first the runs come to their end, then the lease is given up.
        builder.Services.AddHostedService(services => services.GetRequiredService<RunLeases>());
        builder.Services.AddHostedService(services => services.GetRequiredService<LiveRuns>());
    }
}
