using Harness;
using Harness.Builds;
using Harness.Worlds;
using Npgsql;

namespace Reliability;

/// <summary>Starts two replicas of StreamApi and two Broadcasters, each a process of its own.</summary>
internal static class ServiceWorld
{
    private static readonly Dictionary<string, string> Shared = new()
    {
        // As in production: what is used often is compiled again.
        ["DOTNET_TC_CallCounting"] = "1",
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["Logging__Console__FormatterName"] = "simple",
        ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
        ["Logging__Console__FormatterOptions__SingleLine"] = "true",
    };

    /// <param name="eventStore">The connection string of an empty database.</param>
    /// <param name="redis">The address of Redis.</param>
    /// <param name="kind">The kind of the system.</param>
    /// <param name="clock">The processes' clocks, or null for the machine's.</param>
    /// <param name="stop">Cancels the start and later waits.</param>
    /// <param name="build">The programs; default: those built with this one.</param>
    public static async Task<World> StartAsync(
        string eventStore,
        string redis,
        SystemKind kind,
        FalseClock? clock,
        CancellationToken stop,
        ServiceBuild? build = null
    )
    {
        var database = new NpgsqlConnectionStringBuilder(eventStore);
        var direct = StoreLinks.Of(database, redis).Concat(Shared).ToDictionary();
        var programs = build ?? ServiceBuild.Current;
        await ServiceProcess.RunToEndAsync(programs.StreamApi, ["migrate"], direct, stop);

        var world = await World.Start(options =>
        {
            options.On(new(eventStore, redis)).Database(database).Replicas(0).Broadcasters(0).AsProcesses().Until(stop);
            options.Programs(programs.Of);
            options.Set(Shared).Set(SystemSettings.Of(kind)).ApiKey(SystemSettings.KeyOf(kind));
            // Without faults the services connect directly: a link's traffic passes through this process.
            _ = kind is SystemKind.Plain or SystemKind.SmallDisk or SystemKind.SettableClock
                ? options.LinkEach()
                : options.Unlinked();
        });
        try
        {
            foreach (var number in (int[])[1, 2])
            {
                await world.StartReplicaAsync(clock?.For($"StreamApi {number}"));
                await world.StartBroadcasterAsync(clock?.For($"Broadcaster {number}"));
            }

            await world.RestoreAsync();
            return world;
        }
        catch
        {
            await Console.Error.WriteLineAsync(string.Join('\n', world.Logs));
            await world.DisposeAsync();
            throw;
        }
    }
}
