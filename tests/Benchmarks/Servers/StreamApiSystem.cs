using Harness;
using Harness.Builds;
using Harness.Worlds;

namespace Benchmarks.Servers;

/// <summary>The parts that the replicas of one system share: stores, Broadcaster and a telemetry receiver.</summary>
internal sealed class StreamApiSystem(ServiceBuild build, bool durable) : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broadcaster-");
    private OtlpReceiver? _telemetry;
    private World? _world;

    // Named as the builds of two versions expect it.
    private static readonly string[] LocalProvider = ["AspireSse:Llm:Providers:Local", "Llm:Providers:Local"];

    public ServiceBuild Build => build;

    /// <summary>The port where the replicas expect the model server of their provider <c>local</c>.</summary>
    public int ModelPort { get; } = FreePort.Take();

    public StorePair Stores { get; } = new(durable);

    /// <summary>Asks the Broadcaster.</summary>
    public ServerProbe Probe { get; private set; } = null!;

    public World World => _world!;
    public IReadOnlyList<int> Processes => [.. Stores.Processes, .. Broadcasters];
    public IReadOnlyList<int> Broadcasters =>
        [.. World.Broadcasters.Where(b => !b.HasExited).Select(b => b.Process.Id)];

    /// <param name="build">The programs.</param>
    /// <param name="durable">Whether Postgres waits for the disk.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    /// <param name="settings">The services' settings beside those that all systems have.</param>
    /// <param name="key">The key with which replicas are asked how they are, or null if they ask for none.</param>
    /// <param name="fill">Fills the store of this connection string before a service follows the log.</param>
    public static async Task<StreamApiSystem> StartAsync(
        ServiceBuild build,
        bool durable,
        CancellationToken cancellationToken,
        Dictionary<string, string>? settings = null,
        string? key = null,
        Func<string, Task>? fill = null
    )
    {
        var system = new StreamApiSystem(build, durable);
        try
        {
            await system.StartAsync(settings ?? [], key, fill, cancellationToken);
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_world is not null)
            await _world.DisposeAsync();
        if (_telemetry is not null)
            await _telemetry.DisposeAsync();
        await Stores.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task StartAsync(
        Dictionary<string, string> settings,
        string? key,
        Func<string, Task>? fill,
        CancellationToken cancellationToken
    )
    {
        await Stores.StartAsync(cancellationToken);
        var stores = new Stores(Stores.Postgres.ConnectionString, Stores.Redis.ConnectionString);
        var database = new Npgsql.NpgsqlConnectionStringBuilder(stores.EventStore);

        // By the build's own program: its schema may differ.
        var migration = new Dictionary<string, string>(StoreLinks.Of(database, stores.Redis))
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
        };
        await ServiceProcess.RunToEndAsync(build.StreamApi, ["migrate"], migration, cancellationToken);
        if (fill is not null)
            await fill(Stores.Postgres.ConnectionString);

        // Without an exporter .NET's histograms would count nothing and cost nothing.
        _telemetry = await OtlpReceiver.StartAsync(body => body.CopyToAsync(Stream.Null), cancellationToken);
        _world = await World.Start(options =>
        {
            options.On(stores).Database(database).Unlinked().AsProcesses().Until(cancellationToken);
            options.Replicas(0).Broadcasters(0);
            options.Programs(build.Of);
            // As in production: what is used often is compiled again.
            options
                .Set("DOTNET_TC_CallCounting", 1)
                .Set("AspireSse:EventStore:Channel", new EventStoreOptions().Channel);
            // Exported early, so that telemetry of connecting is sent before deliveries are measured.
            options.Set(_telemetry.Settings).Set("OTEL_BSP_SCHEDULE_DELAY", 500).Set("OTEL_BLRP_SCHEDULE_DELAY", 500);
            foreach (var provider in LocalProvider)
                options
                    .Set($"{provider}:BaseUrl", $"http://127.0.0.1:{ModelPort}/v1")
                    .Set($"{provider}:MaxConcurrent", 1_000);
            options.Set(settings).ApiKey(key);
        });

        Probe = new ServerProbe(Path.Combine(_folder.FullName, "probe"));
        await _world.StartBroadcasterAsync(new(Probe.Environment));
    }
}
