using EventStore;

namespace StreamApi;

/// <summary><c>StreamApi migrate</c>: brings every schema up to date and ends; the services wait for it.</summary>
internal static class Migration
{
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = Host.CreateApplicationBuilder(args);
        builder.ConfigureOpenTelemetry();
        builder.AddEventStore();
        using var host = builder.Build();
        await host.StartAsync();
        await host.Services.GetRequiredService<StoreMigrator>().MigrateAsync(CancellationToken.None);
        await host.StopAsync();
        return 0;
    }
}
