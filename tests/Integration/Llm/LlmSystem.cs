using System.Net.Http.Json;
using System.Text.Json;
using Harness;

namespace Integration.Llm;

/// <summary>Two replicas with the fake provider, shared by tests that break neither.</summary>
public sealed class LlmSystem : IAsyncLifetime
{
    internal const string Key = "sk-very-secret-0123456789";

    internal static HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

    internal FakeUpstream Upstream { get; private set; } = null!;
    internal World System { get; private set; } = null!;
    internal RunningService A => System.Replicas[0];
    internal RunningService B => System.Replicas[1];

    public async ValueTask InitializeAsync()
    {
        Upstream = await FakeUpstream.StartAsync();
        System = await World.Start(o => o.Replicas(2).Set(Settings(Upstream)));
    }

    public async ValueTask DisposeAsync()
    {
        await System.DisposeAsync();
        await Upstream.DisposeAsync();
    }

    internal static Dictionary<string, string> Settings(FakeUpstream upstream)
    {
        var settings = new Dictionary<string, string>
        {
            ["Llm__Providers__OpenAi__BaseUrl"] = new Uri(upstream.Url, "/v1").ToString(),
            ["Llm__Providers__OpenAi__ApiKey"] = Key,
            ["Llm__Providers__Anthropic__BaseUrl"] = upstream.Url.ToString(),
            ["Llm__Providers__Anthropic__ApiKey"] = Key,
            ["Llm__Providers__Local__BaseUrl"] = new Uri(upstream.Url, "/v1").ToString(),
            ["Llm__Providers__Local__Models__0"] = "llama",
            ["Llm__Providers__Demo__TokensPerSecond"] = "200",
            ["Llm__Providers__Local__FirstTokenSeconds"] = "4",
            ["Llm__Providers__Local__FirstTokenTotalSeconds"] = "10",
            ["Runs__LeaseSeconds"] = "6",
            // Long enough that a refusal after retries is an HTTP status on a busy machine; SilentModelTests has the
            // default.
            ["Llm__HeadMilliseconds"] = "2000",
        };
        settings["Llm__Providers__Local__MaxAnswerBytes"] = "200000";
        // Of this one alone: to the others a busy machine may be silent for longer, until a test lets them go on.
        settings["Llm__Providers__Local__IdleSeconds"] = "4";
        foreach (var provider in (string[])["OpenAi", "Anthropic", "Local"])
        {
            settings[$"Llm__Providers__{provider}__BackoffMilliseconds"] = "20";
            settings[$"Llm__Providers__{provider}__Retries"] = "2";
        }
        return settings;
    }

    internal static HttpContent Ask(string prompt, string? provider = null, int? maxTokens = null) =>
        JsonContent.Create(
            new
            {
                messages = new[] { new { role = "user", content = prompt } },
                provider,
                max_tokens = maxTokens,
            }
        );

    internal static Task<SseReader> ChatAsync(
        RunningService replica,
        string prompt,
        string? provider,
        string path = "/sse/chat"
    ) => SseReader.OpenAsync(replica.Url, path, method: HttpMethod.Post, body: Ask(prompt, provider));

    /// <summary>Starts a generation and returns its id.</summary>
    internal static async Task<string> GenerateAsync(
        RunningService replica,
        string prompt,
        string? provider = null,
        int? maxTokens = null
    )
    {
        using var response = await Http.PostAsync(
            new Uri(replica.Url, "/v1/generations"),
            Ask(prompt, provider, maxTokens)
        );
        Assert.True((int)response.StatusCode == 201, await response.Content.ReadAsStringAsync());
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
    }

    /// <summary>A request for a stream that both vendors' endpoints take.</summary>
    internal static object VendorQuestion(string prompt) =>
        new
        {
            model = "gpt-4o",
            max_tokens = 9,
            stream = true,
            messages = new[] { new { role = "user", content = prompt } },
        };

    internal static Task<HttpResponseMessage> PostAsync(
        RunningService replica,
        string path,
        object? body,
        params (string Name, string Value)[] headers
    )
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(replica.Url, path))
        {
            Content = body is null ? null : JsonContent.Create(body),
        };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return Http.SendAsync(request);
    }

    internal static Task<JsonElement> StateAsync(RunningService replica, string id) =>
        Http.GetFromJsonAsync<JsonElement>(new Uri(replica.Url, $"/v1/generations/{id}"));

    internal static string Stream(string id) => $"/v1/generations/{id}/stream";

    /// <summary>The text of the frames, in the given member.</summary>
    internal static string Text(IEnumerable<Frame> frames, string member) =>
        string.Concat(
            frames
                .Where(f => f.Data is not null and not "[DONE]")
                .Select(f => JsonDocument.Parse(f.Data!).RootElement)
                .Where(d => d.TryGetProperty(member, out _))
                .Select(d => d.GetProperty(member).GetString())
        );
}
