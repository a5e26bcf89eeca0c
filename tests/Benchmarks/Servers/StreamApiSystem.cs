using Harness;
using Harness.Worlds;
using Command = Benchmarks.Machine.Command;

namespace Benchmarks.Servers;

/// <summary>The parts that the replicas of one system share: stores, Broadcaster and a telemetry receiver.</summary>
internal sealed class StreamApiSystem : IAsyncDisposable
{
    private readonly ChildProcess _broadcaster;
    private readonly OtlpReceiver _telemetry;
    private bool _isStopped;

    private StreamApiSystem(
        ServiceBuild build,
        StorePair stores,
        OtlpReceiver telemetry,
        ChildProcess broadcaster,
        Dictionary<string, string> environment
    )
    {
        Build = build;
        Stores = stores;
        Environment = environment;
        _telemetry = telemetry;
        _broadcaster = broadcaster;
    }

    public ServiceBuild Build { get; }
    public StorePair Stores { get; }
    public IReadOnlyDictionary<string, string> Environment { get; }
    public IReadOnlyList<int> Processes => [.. Stores.Processes, .. _broadcaster.Processes];

    public static async Task<StreamApiSystem> StartAsync(
        ServiceBuild build,
        bool durable,
        CancellationToken cancellationToken,
        Dictionary<string, string>? settings = null
    )
    {
        var stores = new StorePair(durable);
        OtlpReceiver? telemetry = null;
        try
        {
            await stores.StartAsync(cancellationToken);

            // Without an exporter .NET's histograms would count nothing and cost nothing.
            telemetry = await OtlpReceiver.StartAsync(body => body.CopyToAsync(Stream.Null), cancellationToken);
            var environment = new Dictionary<string, string>(telemetry.Settings)
            {
                ["ConnectionStrings__eventstore"] = stores.Postgres.ConnectionString,
                ["ConnectionStrings__redis"] = stores.Redis.ConnectionString,
                ["Traffic__Enabled"] = "false",
                // Other environments limit the streams that an address may open a minute.
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                // Exported early, so that telemetry of connecting is sent before deliveries are measured.
                ["OTEL_BSP_SCHEDULE_DELAY"] = "500",
                ["OTEL_BLRP_SCHEDULE_DELAY"] = "500",
            };
            foreach (var (name, value) in settings ?? [])
                environment[name] = value;
            await Command.RunAsync(
                "StreamApi migrate",
                ["dotnet", build.StreamApi, "migrate"],
                environment,
                cancellationToken
            );
            var broadcaster = ChildProcess.Start(
                "Broadcaster",
                ["dotnet", build.Broadcaster, "--urls", "http://127.0.0.1:0"],
                environment,
                folder: Path.GetDirectoryName(build.Broadcaster)
            );
            return new StreamApiSystem(build, stores, telemetry, broadcaster, environment);
        }
        catch
        {
            if (telemetry is not null)
                await telemetry.DisposeAsync();
            await stores.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the Broadcaster, in whose place a measurement publishes.</summary>
    public async Task StopBroadcasterAsync()
    {
        if (!_isStopped)
            await _broadcaster.DisposeAsync();
        _isStopped = true;
    }

    public async ValueTask DisposeAsync()
    {
        await StopBroadcasterAsync();
        await _telemetry.DisposeAsync();
        await Stores.DisposeAsync();
    }
}
