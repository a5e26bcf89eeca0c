using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Adopter.Middleware;
using Adopter.Showing;
using Harness;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.AI;

namespace Adopter.Gateway;

/// <summary>The gateway beside middleware that times and stores answers which have an end.</summary>
public sealed class StateTests
{
    private const string Json = "application/json",
        Messages = """ "messages":[{"id":"1","role":"user","content":"Where?"}] """,
        UiMessages = """ "messages":[{"id":"1","role":"user","parts":[{"type":"text","text":"Where?"}]}] """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static object Question(string text) =>
        new
        {
            model = "demo",
            max_tokens = 400,
            messages = new[] { new { role = "user", content = text } },
        };

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    public async Task A_whole_answer_that_takes_longer_than_the_request_may_is_a_timeout(string path)
    {
        await using var app = await StartAsync(
            services =>
                services.AddRequestTimeouts(options =>
                    options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = TimeSpan.FromMilliseconds(300) }
                ),
            app => app.UseRequestTimeouts(),
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            "1"
        );

        using var answer = await app.Client.PostAsJsonAsync(path, Question("Tell me all that you know."), Stop);
        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
        Assert.DoesNotContain(app.Lines, line => line.Level >= LogLevel.Error);
    }

    /// <summary>Before its head a stream may wait for the model's first word.</summary>
    [Theory]
    [InlineData("/sse/chat", $""" "provider":"own",{Messages} """)]
    [InlineData("/sse/backpressure-chat", $""" "provider":"own",{Messages} """)]
    [InlineData("/v1/chat/completions", $""" "model":"own/m","stream":true,{Messages} """)]
    [InlineData("/v1/messages", $""" "model":"own/m","stream":true,"max_tokens":9,{Messages} """)]
    [InlineData("/v1/responses", """ "model":"own/m","stream":true,"input":"Where?" """)]
    [InlineData("/api/chat", $""" "id":"1","provider":"own",{UiMessages} """)]
    [InlineData("/agents/ag-ui", $$""" "threadId":"1","runId":"1","forwardedProps":{"provider":"own"},{{Messages}} """)]
    public async Task A_stream_outlives_request_timeouts_also_before_its_model_begins(string path, string body)
    {
        var begin = new TaskCompletionSource();
        await using var app = await StartAsync(
            services =>
                services
                    .AddRequestTimeouts(options =>
                        options.DefaultPolicy = new RequestTimeoutPolicy { Timeout = MiddlewareTable.Timeout }
                    )
                    .AddKeyedSingleton<IChatClient>("own", new ScriptedChatClient((_, _, _) => AnswerAsync(), "m")),
            app =>
            {
                app.UseRequestTimeouts();
                app.MapGet("/slow", (HttpContext context) => Task.Delay(Timeout.Infinite, context.RequestAborted));
            }
        );
        var answering = app.Client.PostAsync(path, new StringContent($"{{{body}}}", Encoding.UTF8, Json), Stop);
        // A request of the same limit, which began later, has met it.
        using (var slow = await app.Client.GetAsync("/slow", Stop))
            Assert.Equal(HttpStatusCode.GatewayTimeout, slow.StatusCode);
        begin.SetResult();

        using var answer = await answering;
        Assert.Contains("there", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);

        async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync()
        {
            await begin.Task;
            yield return new ChatResponseUpdate(ChatRole.Assistant, "there");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_changes_is_read_anew_beside_an_output_cache(bool asksForIt)
    {
        await using var app = await StartAsync(
            services =>
                services.AddOutputCache(options =>
                    options.AddBasePolicy(policy => policy.Expire(TimeSpan.FromHours(1)))
                ),
            app => app.UseOutputCache(),
            cacheOutput: asksForIt,
            "--AspireSse:Llm:Providers:Demo:TokensPerSecond",
            "50"
        );

        using var begun = await app.Client.PostAsJsonAsync("/v1/generations", Question("Where is it?"), Stop);
        var generation = begun.Headers.Location!;
        Assert.Equal("running", await StatusAsync(app, generation));
        await Eventually.HoldsAsync(
            async () => await StatusAsync(app, generation) != "running",
            within: TimeSpan.FromSeconds(20)
        );

        using var session = await app.Client.PostAsync("/session", content: null, Stop);
        var id = (await session.Content.ReadFromJsonAsync<JsonObject>(Stop))!["session_id"]!.GetValue<string>();
        string[] paths = [$"/session/{id}", "/v1/models", "/v1/models/demo", "/v1/generations/none"];
        foreach (var path in paths.Concat(paths))
        {
            using var answer = await app.Client.GetAsync(path, Stop);
            Assert.Equal((path, "no-store"), (path, answer.Headers.CacheControl?.ToString()));
            Assert.Null(answer.Headers.Age);
        }
    }

    private static async Task<string> StatusAsync(SmallApp app, Uri generation) =>
        (await app.Client.GetFromJsonAsync<JsonObject>(generation, Stop))!["status"]!.GetValue<string>();

    private static Task<SmallApp> StartAsync(
        Action<IServiceCollection> add,
        Action<WebApplication> use,
        params string[] settings
    ) => StartAsync(add, use, cacheOutput: false, settings);

    private static async Task<SmallApp> StartAsync(
        Action<IServiceCollection> add,
        Action<WebApplication> use,
        bool cacheOutput,
        params string[] settings
    ) =>
        await SmallApp.StartAsync(
            app =>
            {
                use(app);
                var gateway = app.MapLlmGateway().AllowAnonymous();
                if (cacheOutput)
                    gateway.CacheOutput();
            },
            builder =>
            {
                builder.AddLlmGateway();
                add(builder.Services);
            },
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            settings
        );
}
