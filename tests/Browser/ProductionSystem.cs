using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Harness;
using Harness.Worlds;
using Stack;

namespace Browser;

/// <summary>A whole system as in Production, with its own database on the stack's Postgres: its pages use HTTPS and
/// require a sign-in.</summary>
internal sealed class ProductionSystem : IAsyncDisposable
{
    /// <summary>API key of the operator, the only configured caller.</summary>
    public const string Key = "operator-key-of-the-pages-9c41";

    private readonly List<ServiceProcess> _processes = [];
    private readonly string _certificate = Path.GetTempFileName();
    private HttpClient _http = new();

    public Uri Pages { get; private set; } = null!;

    public static async Task<ProductionSystem> StartAsync(StackFixture stack, CancellationToken cancellationToken)
    {
        var database = await Stores.Shared.CreateDatabaseAsync(cancellationToken);

        var environment = new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__eventstore"] = database.ConnectionString,
            ["ConnectionStrings__redis"] = stack.Redis,
            ["EventStore__Channel"] = database.Database!,
            ["Security__ApiKeys__0__Name"] = "operator",
            ["Security__ApiKeys__0__Sha256"] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Key))),
            ["Security__ApiKeys__0__Subscribe__0"] = ">",
            ["Security__ApiKeys__0__Subscribe__1"] = "$sys.>",
            ["Security__ApiKeys__0__Publish__0"] = ">",
            ["Security__ApiKeys__0__Publish__1"] = "$sys.connections",
        };

        var system = new ProductionSystem();
        Task<ServiceProcess>? pages = null;

        try
        {
            File.WriteAllBytes(system._certificate, Certificate());
            var streamApi = new Uri($"http://127.0.0.1:{FreePort.Take()}");
            pages = system.StartAsync(
                "WebFrontend",
                new Dictionary<string, string>
                {
                    ["ASPNETCORE_ENVIRONMENT"] = "Production",
                    ["SignIn__Enabled"] = "true",
                    ["StreamApi__PublicUrl"] = streamApi.ToString(),
                    ["StreamApi__ApiKey"] = Key,
                    ["Kestrel__Certificates__Default__Path"] = system._certificate,
                },
                "https://127.0.0.1:0",
                cancellationToken
            );
            await ServiceProcess.RunToEndAsync("StreamApi", ["migrate"], environment, cancellationToken);
            await Task.WhenAll(
                system.StartAsync("Broadcaster", environment, "http://127.0.0.1:0", cancellationToken),
                system.StartAsync("StreamApi", environment, streamApi.ToString(), cancellationToken),
                pages
            );
            system.Pages = (await pages).Url;
            system._http = new HttpClient { BaseAddress = streamApi, DefaultRequestHeaders = { { "X-Api-Key", Key } } };
            return system;
        }
        catch
        {
            if (pages is not null)
                await ((Task)pages).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await system.DisposeAsync();
            throw;
        }
    }

    public string Page(string path) => new Uri(Pages, path).ToString();

    public async Task PublishAsync(string topic, object data)
    {
        using var response = await _http.PostAsJsonAsync(
            "/v1/events",
            new
            {
                topic,
                type = "said",
                data,
            }
        );
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
    }

    /// <summary>The open streams.</summary>
    public async Task<int> StreamsAsync() =>
        (await _http.GetFromJsonAsync<JsonObject>("/v1/connections"))!["connections"]!.AsArray().Count;

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
            await process.DisposeAsync();
        _http.Dispose();
        File.Delete(_certificate);
    }

    private async Task<ServiceProcess> StartAsync(
        string service,
        Dictionary<string, string> environment,
        string url,
        CancellationToken cancellationToken
    )
    {
        var process = await ServiceProcess.StartAsync(service, environment, cancellationToken, url);
        lock (_processes)
            _processes.Add(process);
        return process;
    }

    private static byte[] Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256).CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1),
            DateTimeOffset.UtcNow.AddDays(1)
        );
        return certificate.Export(X509ContentType.Pfx);
    }
}
