using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi;

/// <summary>
/// <c>StreamApi migrate</c> brings both schemas to this version and exits; with <c>--script [role]</c> it prints that
/// as SQL. <c>StreamApi wait-for-schema</c> exits once they have this version's migrations, for orchestrators that
/// start the services at the same time as the migration.
/// </summary>
internal static class Migration
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The time for a Postgres that starts or fails over: nobody runs a deployment's step a second
    /// time.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args)
    {
        using var host = Build(args);
        await host.StartAsync();
        await MigrateAsync(host);
        await host.StopAsync();
        return 0;
    }

    /// <summary>Each migration is a transaction, so another attempt begins where this one broke off.</summary>
    private static async Task MigrateAsync(IHost host)
    {
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Migration));
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var clock = host.Services.GetRequiredService<TimeProvider>();
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                await host.MigrateSchemaAsync(CancellationToken.None);
                await host.Services.GetRequiredService<SeedsStore>().MigrateAsync(CancellationToken.None);
                return;
            }
            catch (Exception e)
                when (StoreUnavailableException.Is(e)
                    && clock.GetElapsedTime(began) < LongestWait
                    && !stopping.IsCancellationRequested
                )
            {
                logger.LogWarning("Postgres does not answer, and is asked again: {Reason}", ReasonOf(e));
                await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static string ReasonOf(Exception error) => (error.InnerException ?? error).Message;

    /// <param name="role">The role that gets the rights of a service, or null if there is none.</param>
    public static async Task<int> PrintAsync(string? role)
    {
        await Console.Out.WriteLineAsync(EventStoreSchema.Script(role) + SeedsStore.Script(role));
        return 0;
    }

    public static async Task<int> WaitAsync(string[] args)
    {
        using var host = Build(args);
        await host.StartAsync();
        var logger = host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Migration));
        var stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        var clock = host.Services.GetRequiredService<TimeProvider>();
        var lastReason = "";
        while (!stopping.IsCancellationRequested)
        {
            var reason = await ReasonToWaitAsync(host, stopping);
            if (reason is null)
            {
                await host.StopAsync(CancellationToken.None);
                return 0;
            }

            if (reason != lastReason)
                logger.LogInformation("Waiting: {Reason}. 'StreamApi migrate' applies the migrations.", reason);

            lastReason = reason;
            await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await host.StopAsync(CancellationToken.None);
        return 1;
    }

    /// <summary>Returns null if the database has everything that this version needs.</summary>
    private static async Task<string?> ReasonToWaitAsync(IHost host, CancellationToken cancellationToken)
    {
        try
        {
            List<string> missing =
            [
                .. await host.MissingSchemaAsync(cancellationToken),
                .. await host.Services.GetRequiredService<SeedsStore>().MissingAsync(cancellationToken),
            ];
            return missing.Count == 0 ? null : "the database lacks " + string.Join(", ", missing);
        }
        // Entity Framework wraps errors of the connection.
        catch (Exception e)
            when ((e is InvalidOperationException ? e.InnerException : e)
                    is NpgsqlException
                        or TimeoutException
                        or OperationCanceledException
            )
        {
            return "Postgres does not answer: " + ReasonOf(e);
        }
    }

    private static IHost Build(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.ReadOldNames(StreamApiOptions.OldNames);
        // A service with the same settings may already use the port of the metrics.
        builder.Configuration["Telemetry:Prometheus:Url"] = "";
        builder.ConfigureOpenTelemetry();
        builder.AddEventStore();
        // On an empty database Entity Framework queries its history table before it exists, and logs that as an error.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
        // The command says it without the trace.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        builder.AddSeedsStore();

        return builder.Build();
    }
}
