using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Harness.Builds;
using Npgsql;

namespace Benchmarks.Servers;

/// <summary>One replica at its own port, with Postgres, Redis and a Broadcaster. Unlike the peers it makes
/// events durable before it answers, and it exports telemetry by OTLP as in the dashboard's stack.</summary>
internal sealed class StreamApiPeer : Peer
{
    private readonly StreamApiSystem _system;
    private readonly bool _ownsSystem;

    private StreamApiPeer(
        StreamApiSystem system,
        bool ownsSystem,
        RunningService replica,
        string folder,
        ServerProbe probe
    )
        : base(system.Build.Name, replica.Url, () => [replica.Process.Id], replica, folder)
    {
        _system = system;
        _ownsSystem = ownsSystem;
        Probe = probe;
    }

    public StreamApiSystem System => _system;
    public override Uri Publish => new(Address, "/v1/events");
    public override bool HasTopics => true;
    public override IReadOnlyList<int> Processes => [.. Front, .. _system.Processes];
    public override ServerProbe Probe { get; }

    public override Uri Subscribe(string topic) => new(Address, $"/v1/events/stream?topic={topic}");

    /// <summary>Returns the bytes that this replica and the Broadcaster have allocated.</summary>
    public long Allocated() => Probe.Allocated() + _system.Probe.Allocated();

    public static async Task<StreamApiPeer> StartAsync(
        bool durable,
        CancellationToken cancellationToken,
        Dictionary<string, string>? settings = null,
        ServiceBuild? build = null,
        Func<string, Task>? fill = null
    )
    {
        var system = await StreamApiSystem.StartAsync(
            build ?? ServiceBuild.Current,
            durable,
            cancellationToken,
            settings,
            fill: fill
        );
        return await StartAsync(system, ownsSystem: true, [], cancellationToken);
    }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAnotherAsync([], cancellationToken);

    public Task<StreamApiPeer> StartAnotherAsync(
        Dictionary<string, string> settings,
        CancellationToken cancellationToken
    ) => StartAsync(_system, settings, cancellationToken);

    /// <summary>Starts another replica of a system, which ends without the system.</summary>
    public static Task<StreamApiPeer> StartAsync(
        StreamApiSystem system,
        Dictionary<string, string> settings,
        CancellationToken cancellationToken
    ) => StartAsync(system, ownsSystem: false, settings, cancellationToken);

    private static async Task<StreamApiPeer> StartAsync(
        StreamApiSystem system,
        bool ownsSystem,
        Dictionary<string, string> settings,
        CancellationToken cancellationToken
    )
    {
        var folder = Directory.CreateTempSubdirectory("streamapi-").FullName;
        var probe = new ServerProbe(Path.Combine(folder, "probe"));
        var all = probe.Environment.Concat(settings).ToDictionary();
        var replica = await system.World.StartReplicaAsync(all).WaitAsync(cancellationToken);
        await system.World.WaitForModeAsync("live");
        return new StreamApiPeer(system, ownsSystem, replica, folder, probe);
    }

    /// <summary>Publishes an event, and returns its id.</summary>
    public async Task<string> PublishOneAsync(
        HttpClient http,
        string topic,
        object data,
        CancellationToken cancellationToken
    )
    {
        var body = new
        {
            topic,
            type = "event",
            data,
        };
        using var response = await http.PostAsJsonAsync(Publish, body, cancellationToken);
        response.EnsureSuccessStatusCode();
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
        return answer.GetProperty("events")[0].GetProperty("position").GetString()!;
    }

    /// <summary>Waits until every appended event has been relayed to this replica.</summary>
    public async Task WaitUntilCaughtUpAsync(CancellationToken cancellationToken)
    {
        await using var store = NpgsqlDataSource.Create(_system.Stores.Postgres.ConnectionString);
        await using var command = store.CreateCommand("select eventstore.head()");
        var head = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        // A new stream's first id is the store's head, whatever the replica has; only /v1/replicas shows its own.
        while (
            await SelfAsync(Address, cancellationToken) is not { } self
            || long.Parse(self.GetProperty("head").GetString()!.Split('-')[^1], CultureInfo.InvariantCulture) < head
        )
            await Task.Delay(20, cancellationToken);
    }

    /// <summary>Returns a replica's own entry in its list.</summary>
    private static async Task<JsonElement?> SelfAsync(Uri address, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var replicas = await http.GetFromJsonAsync<JsonElement>(new Uri(address, "/v1/replicas"), cancellationToken);
        return replicas
            .EnumerateArray()
            .Where(r => r.GetProperty("url").GetString() == address.ToString().TrimEnd('/'))
            .Select(r => (JsonElement?)r)
            .FirstOrDefault();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_ownsSystem)
            await _system.DisposeAsync();
    }
}
