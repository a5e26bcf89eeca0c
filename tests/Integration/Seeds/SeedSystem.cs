using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;

namespace Integration.Seeds;

/// <summary>Two replicas that the tests of this folder share; each test uses its own tasks, users and sessions. The
/// shop's pets are everybody's.</summary>
public sealed class SeedSystem : IAsyncLifetime
{
    internal World System { get; private set; } = null!;
    internal Uri A => System.Replicas[0].Url;
    internal Uri B => System.Replicas[1].Url;

    /// <summary>Settings with quick orders and frequent messages of sessions.</summary>
    internal static Dictionary<string, string> Quick =>
        new()
        {
            ["Petstore__StepMilliseconds"] = "300",
            ["Petstore__ScoringMilliseconds"] = "50",
            ["Resilient__IntervalMilliseconds"] = "100",
            ["Resilient__RetryMilliseconds"] = "200",
        };

    internal ArticleBrowser Pages { get; } = new();

    public async ValueTask InitializeAsync() =>
        System = await World.Start(o => o.Replicas(2).Set(Quick).Set("Cors:AllowedOrigins:0", Pages.Origin));

    public async ValueTask DisposeAsync()
    {
        await Pages.DisposeAsync();
        await System.DisposeAsync();
    }
}

/// <summary>Tests with the two replicas that they share.</summary>
public abstract class SeedTests(AssemblyWide<SeedSystem> shared) : IClassFixture<AssemblyWide<SeedSystem>>
{
    private protected World World => shared.World.System;
    private protected NpgsqlDataSource Store => World.Database;
    private protected ArticleBrowser Pages => shared.World.Pages;
    private protected Uri A => shared.World.A;
    private protected Uri B => shared.World.B;
}

internal static class SeedRequests
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <param name="token">Sent as a bearer token.</param>
    /// <param name="key">Sent as an API key.</param>
    public static Task<HttpResponseMessage> SendAsync(
        Uri server,
        HttpMethod method,
        string path,
        HttpContent? body = null,
        string? lastId = null,
        string? token = null,
        string? key = null
    )
    {
        var request = new HttpRequestMessage(method, new Uri(server, path)) { Content = body };

        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        if (key is not null)
            request.Headers.Add("X-Api-Key", key);
        if (lastId is not null)
            request.Headers.TryAddWithoutValidation("Last-Event-ID", lastId);

        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Returns the response's JSON; fails if the status is not a success.</summary>
    public static async Task<JsonElement> JsonAsync(
        Uri server,
        HttpMethod method,
        string path,
        object? body = null,
        string? token = null,
        string? key = null
    )
    {
        using var response = await SendAsync(server, method, path, ContentOf(body), token: token, key: key);
        Assert.True(
            response.IsSuccessStatusCode,
            $"{method} {path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}"
        );
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>As JSON, but what is a body already.</summary>
    public static HttpContent? ContentOf(object? body) =>
        body as HttpContent ?? (body is null ? null : JsonContent.Create(body));

    public static Task<JsonElement> GetAsync(Uri server, string path) => JsonAsync(server, HttpMethod.Get, path);

    public static Task<JsonElement> PostAsync(Uri server, string path, object? body = null) =>
        JsonAsync(server, HttpMethod.Post, path, body);

    public static JsonElement Json(this Frame frame) => JsonDocument.Parse(frame.Data!).RootElement;

    public static Task<JsonElement> JsonAsync(this HttpResponseMessage response) =>
        response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

    public static Task<string> TextAsync(this HttpResponseMessage response) =>
        response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    /// <summary>Returns the member at a path of names and numbers, as <c>choices.0.delta.content</c>.</summary>
    public static JsonElement At(this JsonElement json, string path)
    {
        foreach (var step in path.Split('.'))
            json =
                json.ValueKind == JsonValueKind.Array
                    ? json[int.Parse(step, CultureInfo.InvariantCulture)]
                    : json.GetProperty(step);
        return json;
    }

    /// <summary>True if the object at a path has a member.</summary>
    public static bool Has(this JsonElement json, string path, string member) =>
        json.At(path).TryGetProperty(member, out _);

    public static string? Text(this JsonElement json, string path) => json.At(path).GetString();

    public static long Number(this JsonElement json, string path) => json.At(path).GetInt64();

    public static IEnumerable<JsonElement> Items(this JsonElement json, string path) => json.At(path).EnumerateArray();

    /// <summary>The data of the only resync, or null without one.</summary>
    public static JsonElement? Resync(this SseReader reader) =>
        reader.Frames.SingleOrDefault(f => f.Event == "resync")?.Json();
}
