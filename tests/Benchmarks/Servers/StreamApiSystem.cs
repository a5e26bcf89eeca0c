using Harness;
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
        Stores stores,
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
    public Stores Stores { get; }
    public IReadOnlyDictionary<string, string> Environment { get; }
    public IReadOnlyList<int> Processes => [.. Stores.Processes, .. _broadcaster.Processes];

    public static async Task<StreamApiSystem> StartAsync(
        ServiceBuild build,
        bool durable,
        CancellationToken cancellationToken,
        Dictionary<string, string>? settings = null
    )
    {
        var stores = await Stores.StartAsync(durable, cancellationToken);
        OtlpReceiver? telemetry = null;
        try
        {
            // Without an exporter .NET's histograms would count nothing and cost nothing.
            telemetry = await OtlpReceiver.StartAsync(body => body.CopyToAsync(Stream.Null), cancellationToken);
            var environment = new Dictionary<string, string>(telemetry.Settings)
            {
                ["ConnectionStrings__eventstore"] = stores.EventStore,
                ["ConnectionStrings__redis"] = stores.Redis,
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
            var broadcaster = Start(build.Broadcaster, new Uri("http://127.0.0.1:0"), environment);
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

    /// <summary>Starts another replica of this system.</summary>
    public ChildProcess StartReplica(Uri url, IReadOnlyDictionary<string, string> environment) =>
        Start(Build.StreamApi, url, environment);

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

    private static ChildProcess Start(string dll, Uri url, IReadOnlyDictionary<string, string> environment) =>
        ChildProcess.Start(
            Path.GetFileNameWithoutExtension(dll),
            ["dotnet", dll, "--urls", url.ToString()],
            environment,
            folder: Path.GetDirectoryName(dll)
        );
}
