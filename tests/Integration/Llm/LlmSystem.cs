using System.Net.Http.Json;
using System.Text.Json;
using Harness;
using Integration.Seeds;

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
        System = await World.Start(o =>
            o.Replicas(2)
                .Set(Settings(Upstream))
                // The end of a stream shows that everything before it has been printed.
                .Set("Logging:LogLevel:Streaming.Connections.StreamEndLogger", "Debug")
        );
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
            ["AspireSse__Llm__Providers__OpenAi__BaseUrl"] = new Uri(upstream.Url, "/v1").ToString(),
            ["AspireSse__Llm__Providers__OpenAi__ApiKey"] = Key,
            ["AspireSse__Llm__Providers__Anthropic__BaseUrl"] = upstream.Url.ToString(),
            ["AspireSse__Llm__Providers__Anthropic__ApiKey"] = Key,
            ["AspireSse__Llm__Providers__Local__BaseUrl"] = new Uri(upstream.Url, "/v1").ToString(),
            ["AspireSse__Llm__Providers__Local__Models__0"] = "llama",
            ["AspireSse__Llm__Providers__Demo__TokensPerSecond"] = "200",
            ["AspireSse__Llm__Providers__Local__FirstTokenSeconds"] = "4",
            ["AspireSse__Llm__Providers__Local__FirstTokenTotalSeconds"] = "10",
            ["AspireSse__Runs__LeaseSeconds"] = "6",
            // Long enough that a refusal after retries is an HTTP status on a busy machine; SilentModelTests has the
            // default.
            ["AspireSse__Llm__HeadMilliseconds"] = "2000",
        };
        settings["AspireSse__Llm__Providers__Local__MaxAnswerBytes"] = "200000";
        // Of this one alone: to the others a busy machine may be silent for longer, until a test lets them go on.
        settings["AspireSse__Llm__Providers__Local__IdleSeconds"] = "4";

        foreach (var provider in (string[])["OpenAi", "Anthropic", "Local"])
        {
            settings[$"AspireSse__Llm__Providers__{provider}__BackoffMilliseconds"] = "20";
            settings[$"AspireSse__Llm__Providers__{provider}__Retries"] = "2";
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
    ) => (await AnswerAsync(replica, "/v1/generations", Ask(prompt, provider, maxTokens))).Text("id")!;

    /// <summary>A request that both vendors' endpoints take.</summary>
    internal static object VendorQuestion(string prompt, string model = "gpt-4o", bool stream = true) =>
        new
        {
            model,
            max_tokens = 100,
            stream,
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
            Content = SeedRequests.ContentOf(body),
        };
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);

        return Http.SendAsync(request);
    }

    /// <summary>Returns the answer to a request that succeeds.</summary>
    internal static async Task<JsonElement> AnswerAsync(
        RunningService replica,
        string path,
        object? body,
        params (string Name, string Value)[] headers
    )
    {
        using var response = await PostAsync(replica, path, body, headers);
        Assert.True(response.IsSuccessStatusCode, await response.TextAsync());
        return await response.JsonAsync();
    }

    /// <summary>Opens the stream that answers a POST.</summary>
    internal static Task<SseReader> OpenAsync(
        RunningService replica,
        string path,
        object body,
        string? lastId = null
    ) => SseReader.OpenAsync(replica.Url, path, lastId, HttpMethod.Post, JsonContent.Create(body));

    internal static Task<JsonElement> StateAsync(RunningService replica, string id) =>
        SeedRequests.GetAsync(replica.Url, $"/v1/generations/{id}");

    /// <summary>The status and the text of a generation.</summary>
    internal static async Task<(string? Status, string? Text)> EndAsync(RunningService replica, string id)
    {
        var state = await StateAsync(replica, id);
        return (state.Text("status"), state.Text("text"));
    }

    internal static string Stream(string id) => $"/v1/generations/{id}/stream";

    /// <summary>Reads the stream of a generation to its end.</summary>
    internal static Task<SseReader> ReadAsync(RunningService replica, string id, string? lastId = null) =>
        SseReader.OpenAsync(replica.Url, Stream(id), lastId).ToEndAsync();

    /// <summary>Creates a session and returns its id.</summary>
    internal static async Task<string> SessionAsync(RunningService replica, string? provider = "openai") =>
        (await AnswerAsync(replica, "/session", provider is null ? null : new { provider })).Text("session_id")!;

    /// <summary>Sends a message of a session.</summary>
    internal static async Task SendAsync(RunningService replica, string session, string content) =>
        Assert.Equal(
            """{"status":"ok"}""",
            (await AnswerAsync(replica, $"/message/{session}", new { content })).GetRawText()
        );

    /// <summary>Waits until the stream of a session has the ends of so many answers.</summary>
    internal static Task AnsweredAsync(SseReader session, int answers = 1) =>
        session.WaitAsync(r => r.Events.Count(e => e.Data == """{"type":"message_end"}""") >= answers);

    /// <summary>The text of the frames, in the given member.</summary>
    internal static string Text(IEnumerable<Frame> frames, string member) =>
        string.Concat(
            frames
                .Where(f => f.Data is not null and not "[DONE]")
                .Select(f => f.Json())
                .Where(d => d.TryGetProperty(member, out _))
                .Select(d => d.Text(member))
        );
}

/// <summary>Tests with the two replicas and the provider that they share.</summary>
public abstract class LlmTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    private protected const string Completions = "/v1/chat/completions",
        Messages = "/v1/messages";

    private protected World World => shared.World.System;
    private protected FakeUpstream Upstream => shared.World.Upstream;
    private protected RunningService A => shared.World.A;
    private protected RunningService B => shared.World.B;

    private protected static CancellationToken Stop => TestContext.Current.CancellationToken;
}
