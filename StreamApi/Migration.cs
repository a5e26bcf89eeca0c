using EventStore;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;

namespace StreamApi;

/// <summary><c>StreamApi migrate</c>: updates every schema and exits. The services wait for it.</summary>
internal static class Migration
{
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.ConfigureOpenTelemetry();
        builder.AddEventStore();
        // On an empty database Entity Framework queries its history table before it exists, and logs that as an error.
        builder.Logging.AddFilter("Microsoft.EntityFrameworkCore.Database.Command", LogLevel.None);
        builder.Services.AddPetstoreStore();
        builder.Services.AddTasksStore();
        builder.Services.AddResilientStore();
        using var host = builder.Build();
        await host.StartAsync();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(CancellationToken.None);
        await host.Services.MigrateAsync<PetstoreContext>(CancellationToken.None);
        await host.Services.MigrateAsync<TasksContext>(CancellationToken.None);
        await host.Services.MigrateAsync<ResilientContext>(CancellationToken.None);
        await host.StopAsync();
        return 0;
    }
}
