using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Stack;

namespace Pictures;

/// <summary>The tests' stack with Aspire's dashboard, and the few requests that fill its pages.</summary>
internal sealed class PictureSystem : IAsyncDisposable
{
    private readonly StackFixture _stack = new() { HasDashboard = true };
    private readonly HttpClient _http = new();

    public static async Task<PictureSystem> StartAsync()
    {
        var system = new PictureSystem();
        try
        {
            await system._stack.InitializeAsync();
            await system._stack.App.ResourceNotifications.WaitForResourceHealthyAsync("aspire-dashboard");
            system._http.BaseAddress = system._stack.Address("streamapi");
            return system;
        }
        catch
        {
            await system.DisposeAsync();
            throw;
        }
    }

    public Uri Page(string path) => new(_stack.Address("webfrontend"), path);

    /// <summary>The dashboard's address that logs in, and leads to its first page.</summary>
    public Uri DashboardLogin =>
        new(
            _stack.Address("aspire-dashboard"),
            $"/login?t={_stack.App.Services.GetRequiredService<IConfiguration>()["AppHost:BrowserToken"]}"
        );

    public async Task PostAsync(string path, object body) =>
        (await _http.PostAsJsonAsync(path, body)).EnsureSuccessStatusCode().Dispose();

    public async Task<JsonArray> GetAsync(string path) => (await _http.GetFromJsonAsync<JsonArray>(path))!;

    public async Task CreateTaskAsync(string title, string status)
    {
        using var created = (await _http.PostAsJsonAsync("/tasks", new { title })).EnsureSuccessStatusCode();
        var id = (await created.Content.ReadFromJsonAsync<JsonObject>())!["id"];
        if (status != "todo")
            (await _http.PutAsync($"/tasks/status/{id}?new_status={status}", null)).EnsureSuccessStatusCode().Dispose();
    }

    public async Task ChangePriceAsync(JsonNode pet, decimal factor) =>
        (
            await _http.PatchAsJsonAsync(
                $"/v1/pets/{pet["id"]}",
                new { price = decimal.Round((decimal)pet["price"]! * factor, 2) }
            )
        )
            .EnsureSuccessStatusCode()
            .Dispose();

    /// <summary>Opens a stream of the topic at every replica. Ends with the returned readers.</summary>
    public async Task<IReadOnlyList<Stream>> ReadEverywhereAsync(string topic) =>
        await Task.WhenAll(
            (await GetAsync("/v1/replicas")).Select(r =>
                _http.GetStreamAsync(new Uri(new Uri((string)r!["url"]!), $"/v1/events/stream?topic={topic}"))
            )
        );

    /// <summary>Starts a load test with all kinds of clients, as the page Load tests does, unless one is
    /// running.</summary>
    public async Task LoadAsync()
    {
        using var response = await _http.PostAsJsonAsync(
            Page("/load/runs"),
            new
            {
                scenario = "mixed",
                clients = 240,
                rate = 10,
                seconds = 60,
            }
        );
        if (response.StatusCode != HttpStatusCode.Conflict)
            response.EnsureSuccessStatusCode();
    }

    /// <summary>Waits until the log has at least this many events.</summary>
    public async Task HasEventsAsync(int least)
    {
        // <epoch>-<position>
        while (
            int.Parse(
                ((string)(await GetAsync("/v1/replicas"))[0]!["head"]!).Split('-')[^1],
                CultureInfo.InvariantCulture
            ) < least
        )
            await Task.Delay(TimeSpan.FromMilliseconds(250));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _stack.DisposeAsync();
    }
}
