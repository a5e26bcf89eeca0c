using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Npgsql;

namespace Benchmarks.Servers;

/// <summary>One replica at its own port, with Postgres, Redis and a Broadcaster. Unlike the peers it makes
/// events durable before it answers, and it exports telemetry by OTLP as in the dashboard's stack.</summary>
internal sealed class StreamApiPeer : Peer
{
    private readonly ChildProcess _replica;
    private readonly StreamApiSystem _system;
    private readonly bool _ownsSystem;
    private readonly string _folder;

    private StreamApiPeer(
        StreamApiSystem system,
        bool ownsSystem,
        ChildProcess replica,
        string folder,
        ServerProbe probe,
        Uri address
    )
        : base(system.Build.Name, address) =>
        (_system, _ownsSystem, _replica, _folder, Probe) = (system, ownsSystem, replica, folder, probe);

    public StreamApiSystem System => _system;
    public override Uri Publish => new(Address, "/v1/events");
    public override bool HasTopics => true;
    public override IReadOnlyList<int> Front => _replica.Processes;
    public override IReadOnlyList<int> Processes => [.. Front, .. _system.Processes];
    public override ServerProbe Probe { get; }

    public override Uri Subscribe(string topic) => new(Address, $"/v1/events/stream?topic={topic}");

    public static async Task<StreamApiPeer> StartAsync(
        bool durable,
        CancellationToken cancellationToken,
        Dictionary<string, string>? settings = null,
        ServiceBuild? build = null
    )
    {
        var system = await StreamApiSystem.StartAsync(
            build ?? ServiceBuild.Current,
            durable,
            cancellationToken,
            settings
        );

        try
        {
            return await StartAsync(system, ownsSystem: true, [], cancellationToken);
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAnotherAsync([], cancellationToken);

    public Task<StreamApiPeer> StartAnotherAsync(
        Dictionary<string, string> settings,
        CancellationToken cancellationToken
    ) => StartAsync(_system, ownsSystem: false, settings, cancellationToken);

    private static async Task<StreamApiPeer> StartAsync(
        StreamApiSystem system,
        bool ownsSystem,
        Dictionary<string, string> settings,
        CancellationToken cancellationToken
    )
    {
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var folder = Directory.CreateTempSubdirectory("streamapi-").FullName;
        var probe = new ServerProbe(Path.Combine(folder, "probe"));
        var environment = system.Environment.Concat(probe.Environment).ToDictionary();
        foreach (var (name, value) in settings)
            environment[name] = value;
        var peer = new StreamApiPeer(
            system,
            ownsSystem,
            system.StartReplica(address, environment),
            folder,
            probe,
            address
        );
        try
        {
            await peer._replica.WaitUntilAsync(() => peer.IsLiveAsync(cancellationToken), cancellationToken);
        }
        catch
        {
            await peer._replica.DisposeAsync();
            Directory.Delete(folder, recursive: true);
            throw;
        }
        return peer;
    }

    /// <summary>Waits until every appended event has been relayed to this replica.</summary>
    public async Task WaitUntilCaughtUpAsync(CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(_system.Stores.EventStore);
        await using var command = store.CreateCommand("select eventstore.head()");
        var head = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        // A new stream's first id is the store's head, whatever the replica has; only /v1/replicas shows its own.
        while (
            await SelfAsync(cancellationToken) is not { } self
            || long.Parse(self.GetProperty("head").GetString()!.Split('-')[^1], CultureInfo.InvariantCulture) < head
        )
            await Task.Delay(20, cancellationToken);
    }

    private async Task<bool> IsLiveAsync(CancellationToken cancellationToken) =>
        await AnswersAsync(new Uri(Address, "/health"), cancellationToken)
        && await SelfAsync(cancellationToken) is { } self
        && self.GetProperty("mode").GetString() == "live";

    /// <summary>Returns this replica's own entry in the list.</summary>
    private async Task<JsonElement?> SelfAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var replicas = await http.GetFromJsonAsync<JsonElement>(new Uri(Address, "/v1/replicas"), cancellationToken);
        return replicas
            .EnumerateArray()
            .Where(r => r.GetProperty("url").GetString() == Address.ToString().TrimEnd('/'))
            .Select(r => (JsonElement?)r)
            .FirstOrDefault();
    }

    public override async ValueTask DisposeAsync()
    {
        await _replica.DisposeAsync();
        if (_ownsSystem)
            await _system.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
