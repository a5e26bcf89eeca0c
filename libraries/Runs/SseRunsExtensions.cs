using Runs;
using Streaming.Opening;

namespace Microsoft.Extensions.Hosting;

/// <summary>Adds runs: work that outlives its request.</summary>
/// <remarks>Needed at startup by an application that starts or streams runs.</remarks>
public static class SseRunsExtensions
{
    /// <summary>Adds <see cref="IRuns"/>, with settings in the section <c>AspireSse:Runs</c>. The event log and the
    /// streams must have been added before.</summary>
    /// <remarks>At shutdown runs get <c>AspireSse:Runs:DrainSeconds</c> (8), but end two seconds before the host's
    /// <see cref="HostOptions.ShutdownTimeout"/>.</remarks>
    /// <exception cref="InvalidOperationException">The event log or the streams are missing, or the log is in
    /// memory.</exception>
    /// <param name="handlers">Adds work that another process starts again when its own process is lost.</param>
    public static TBuilder AddSseRuns<TBuilder>(this TBuilder builder, Action<RunHandlers>? handlers = null)
        where TBuilder : IHostApplicationBuilder
    {
        if (builder.Services.All(service => service.ServiceType != typeof(StreamOpener)))
            throw new InvalidOperationException("Runs need the streams: call AddSse(…) before.");
        if (builder.Services.All(service => service.ServiceType != typeof(RunStore)))
            throw new InvalidOperationException(
                "Runs need Postgres, where other processes cancel and end them: call AddEventStore(…) instead of "
                    + "AddInMemoryEventLog()."
            );

        builder.Services.AddRuns();
        handlers?.Invoke(new RunHandlers(builder.Services));
        return builder;
    }

    /// <exception cref="InvalidOperationException">The application has no runs.</exception>
    internal static TService GetOfRuns<TService>(this IServiceProvider services)
        where TService : class =>
        services.GetService<TService>()
        ?? throw new InvalidOperationException("The application has no runs: call AddSseRuns(…) on its builder.");

    /// <summary>Adds the services. A second call adds nothing, since libraries that build on runs call it
    /// too.</summary>
    private static void AddRuns(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(RunAppender)))
            return;

        services.AddOptions<RunOptions>().BindConfiguration("AspireSse:Runs").ValidateAnnotations().ValidateOnStart();
        services.AddKnownSettings<RunOptions>("Runs");

        services.AddSingleton<Shutdown>();
        services.AddSingleton<ProcessLease>();
        services.AddSingleton<RunAppender>();
        services.AddSingleton<RunAcquisition>();
        services.AddSingleton<LiveRuns>();
        services.AddSingleton<RunStarter>();
        services.AddSingleton<IRuns>(provider => provider.GetRequiredService<RunStarter>());
        services.AddSingleton<RunStreams>();

        // The handlers are known before the lease begins. The runs end while the services stop, and the lease ends
        // after that.
        services.AddHostedService(provider => provider.GetRequiredService<RunStarter>());
        services.AddHostedService(provider => provider.GetRequiredService<ProcessLease>());
        services.AddHostedService(provider => provider.GetRequiredService<LiveRuns>());
    }
}
