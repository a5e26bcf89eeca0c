using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Harness;
using Harness.Worlds;

namespace Pictures;

/// <summary>Two replicas, a Broadcaster, their stores, and the frontend as it is published: with compressed files and
/// the cache headers of Production.</summary>
internal sealed class MeasuredSystem : IAsyncDisposable
{
    // dotnet publish WebFrontend -c Release -o artifacts/pages
    private static readonly string Published = Path.Combine(Repository.Root, "artifacts", "pages", "WebFrontend.dll");

    private readonly StorePair _stores = new(durable: false);
    private readonly List<Socket> _streams = [];
    private readonly HttpClient _http = new();
    private World? _world;
    private ServiceProcess? _frontend;

    public static async Task<MeasuredSystem> StartAsync()
    {
        if (!File.Exists(Published))
            throw new InvalidOperationException(
                $"There is no {Published}. Publish it first: dotnet publish WebFrontend -c Release -o artifacts/pages"
            );

        var system = new MeasuredSystem();
        try
        {
            await system.StartServicesAsync();
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public Uri Page(string path) => new(_frontend!.Url, path);

    /// <summary>Opens streams of a topic, the same number at each replica. Each is only a socket: its buffer takes the
    /// few events of a measurement.</summary>
    public async Task SubscribeAsync(string topic, int count)
    {
        for (var n = 0; n < count; n++)
        {
            var replica = _world!.Replicas[n % _world.Replicas.Count].Url;
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            _streams.Add(socket);
            await socket.ConnectAsync(replica.Host, replica.Port);
            await socket.SendAsync(
                Encoding.ASCII.GetBytes(
                    $"GET /v1/events/stream?topic={topic} HTTP/1.1\r\nHost: {replica.Authority}\r\n"
                        + "Accept: text/event-stream\r\n\r\n"
                )
            );
        }
    }

    public async Task PublishAsync(string topic)
    {
        var said = new
        {
            topic,
            type = "said",
            data = new { n = 1 },
        };
        using var published = await _http.PostAsJsonAsync(new Uri(_world!.Replicas[0].Url, "/v1/events"), said);
        published.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stream in _streams)
            stream.Dispose();

        _http.Dispose();
        if (_frontend is not null)
            await _frontend.DisposeAsync();
        if (_world is not null)
            await _world.DisposeAsync();
        await _stores.DisposeAsync();
    }

    private async Task StartServicesAsync()
    {
        await _stores.StartAsync(CancellationToken.None);
        var stores = new Stores(_stores.Postgres.ConnectionString, _stores.Redis.ConnectionString);
        var address = $"http://127.0.0.1:{FreePort.Take()}";

        _world = await World.Start(options =>
            options
                .On(stores)
                .Unlinked()
                .Replicas(2)
                .AsProcesses()
                .Until(CancellationToken.None)
                .Set("Cors:AllowedOrigins:0", address)
        );
        var streamApi = _world.Replicas[0].Url.ToString();

        _frontend = await ServiceProcess.StartAsync(
            Published,
            new Dictionary<string, string>
            {
                // Pages that need no sign-in, with the cache headers that Development would not send.
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["EnableStaticAssetsDevelopmentCaching"] = "true",
                ["StreamApi__PublicUrl"] = streamApi,
                ["services__streamapi__http__0"] = streamApi,
                ["services__broadcaster__http__0"] = _world.Broadcasters[0].Url.ToString(),
            },
            CancellationToken.None,
            address
        );
    }
}
