using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Harness;
using Harness.Worlds;

namespace Browser;

/// <summary>A system as in Production: its pages use HTTPS and require a sign-in.</summary>
internal sealed class ProductionSystem : IAsyncDisposable
{
    /// <summary>API key of the operator, the only configured caller.</summary>
    public const string Key = "operator-key-of-the-pages-9c41";

    private readonly TemporaryCertificate _certificate = new();
    private PagesSystem? _pages;
    private HttpClient _http = new();

    public static async Task<ProductionSystem> StartAsync()
    {
        var system = new ProductionSystem();
        try
        {
            system._pages = await PagesSystem.StartAsync(
                RequireKey,
                "https",
                new Dictionary<string, string>(system._certificate.Settings)
                {
                    ["ASPNETCORE_ENVIRONMENT"] = "Production",
                    ["SignIn__Enabled"] = "true",
                    ["StreamApi__ApiKey"] = Key,
                }
            );

            system._http = new HttpClient
            {
                BaseAddress = system._pages.StreamApi,
                DefaultRequestHeaders = { { "X-Api-Key", Key } },
            };

            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    private static void RequireKey(WorldOptions world) =>
        world.ApiKey(Key).Set("ASPNETCORE_ENVIRONMENT", "Production").Set(ApiKeySettings.Operator(Key));

    public string Page(string path) => new Uri(_pages!.Frontend, path).ToString();

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
        _http.Dispose();
        if (_pages is not null)
            await _pages.DisposeAsync();
        _certificate.Dispose();
    }
}
