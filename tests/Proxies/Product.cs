using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Harness.Worlds;
using Npgsql;

namespace Proxies;

/// <summary>Services behind the proxies: a replica as it comes, one that sends nothing of its own, and what
/// both need.</summary>
internal sealed class Product : IAsyncDisposable
{
    public const string Key = "0123456789abcdef0123456789abcdef";

    /// <summary>The proxies' address for the replica; clients have the next one.</summary>
    private const string ProxyAddress = "127.0.0.1";

    private static readonly Dictionary<string, string> Settings = new(ApiKeySettings.Operator(Key))
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["Security__Proxies__0"] = ProxyAddress,
        ["Limits__NewStreamsPerMinute"] = "1000000",
        ["AspireSse__Streaming__MaxConnectionsPerClient"] = "0",
    };

    private static readonly Dictionary<string, string> Silence = new()
    {
        ["AspireSse__Streaming__HeartbeatSeconds"] = "3600",
        ["AspireSse__Streaming__DeadSeconds"] = "7200",
    };

    private readonly StorePair _stores = new(durable: false);
    private readonly HttpClient _http = new() { DefaultRequestHeaders = { { "X-Api-Key", Key } } };
    private World? _world;

    private Product() { }

    /// <summary>A replica with its defaults.</summary>
    public RunningService Replica { get; private set; } = null!;

    /// <summary>A replica without heartbeats, which may be killed.</summary>
    public RunningService Silent { get; private set; } = null!;

    public static async Task<Product> StartAsync(CancellationToken cancellationToken)
    {
        var product = new Product();
        try
        {
            await product.RunAsync(cancellationToken);
            return product;
        }
        catch
        {
            await product.DisposeAsync();
            throw;
        }
    }

    public static string Stream(string topic) => $"/v1/events/stream?topic={topic}";

    public async Task PublishAsync(string topic)
    {
        var body = new[] { new EventBody(topic, "n", 1) };
        using var response = await _http.PostAsJsonAsync(new Uri(Replica.Url, "/v1/events"), body);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The address that the replica has for the reader of a topic, or null if it lists none.</summary>
    public async Task<string?> ClientOfAsync(string topic)
    {
        var list = new Uri(Replica.Url, $"/v1/connections?filter={topic}");
        var found = (await _http.GetFromJsonAsync<JsonElement>(list)).GetProperty("connections");
        return found.GetArrayLength() == 0 ? null : found[0].GetProperty("client").GetString();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_world is not null)
            await _world.DisposeAsync();
        await _stores.DisposeAsync();
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        await _stores.StartAsync(cancellationToken);
        var stores = new Stores(_stores.Postgres.ConnectionString, _stores.Redis.ConnectionString);
        var database = new NpgsqlConnectionStringBuilder(stores.EventStore);
        await Stores.MigrateAsync(database);

        _world = await World.Start(options =>
            options
                .On(stores)
                .Database(database)
                .Unlinked()
                .Replicas(0)
                .AsProcesses()
                .Until(cancellationToken)
                .Set(Settings)
                .ApiKey(Key)
        );
        Replica = await _world.StartReplicaAsync();
        Silent = await _world.StartReplicaAsync(Silence);
        await _world.WaitForModeAsync("live");
    }
}
