using System.Globalization;
using System.Net;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>The clients of pages: AI SDK's transport and AG-UI's agent, in Node.js.</summary>
public sealed class PageClientTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    /// <summary>Runs that AG-UI's client is cut off from; a thousand take five minutes.</summary>
    private static readonly string Runs = Environment.GetEnvironmentVariable("AG_UI_RUNS") ?? "100";

    private const int Cuts = 5;

    [Fact]
    public async Task AI_SDKs_transport_resumes_and_stops_an_answer_at_any_replica()
    {
        var (released, continued) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = Upstream.On(async request =>
        {
            await request.StartAsync();
            for (var count = 0; !released.Task.IsCompleted; count++)
            {
                await request.TokenAsync($"word{count} 語 ");
                await Task.Delay(10, request.Gone);
            }

            await request.TokenAsync("end");
            await request.EndAsync(tokens: 5);
        });
        var release = Upstream.On(request =>
        {
            if (!released.TrySetResult())
                continued.SetResult();
            return request.SayAsync("");
        });

        var prompts = Prompts();
        prompts["slow"] = slow;
        prompts["release"] = release;
        prompts["answered"] = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("it is ");
            await continued.Task;
            await request.TokenAsync("there");
            await request.EndAsync(tokens: 2);
        });
        await RunAsync("ui-messages.mjs", Upstream.Url.ToString(), JsonSerializer.Serialize(prompts));
    }

    [Fact]
    public async Task AG_UIs_agent_rejoins_its_runs_at_the_other_replica_and_has_each_word_once()
    {
        var cuts = Cuts.ToString(CultureInfo.InvariantCulture);
        await RunAsync("ag-ui.mjs", Runs, cuts, JsonSerializer.Serialize(Prompts()));
    }

    [Fact]
    public async Task TanStack_AI_resumes_by_itself_wherever_a_frame_is_cut() => await RunAsync("tanstack.mjs", "25");

    [Fact]
    public async Task A_replica_that_stops_breaks_the_body_or_tells_and_the_client_goes_on_elsewhere()
    {
        await using var own = await World.Start(o =>
            o.Replicas(2).Set(LlmSystem.Settings(Upstream)).Set("AspireSse:Runs:DrainSeconds", 1)
        );
        var (stopping, staying) = (own.Replicas[0], own.Replicas[1]);
        var prompt = Upstream.Stopping(null, "half ");
        var chat = new
        {
            id = "chat",
            provider = "openai",
            messages = new[] { new { role = "user", parts = new[] { new { type = "text", text = prompt } } } },
        };
        var run = new
        {
            threadId = "thread",
            runId = "run",
            forwardedProps = new { provider = "openai" },
            messages = new[] { new { role = "user", content = prompt } },
        };

        await using var asked = await HalfAsync(LlmSystem.OpenAsync(staying, "/api/chat", chat));
        await using var begun = await HalfAsync(LlmSystem.OpenAsync(staying, "/agents/ag-ui", run));
        await using var resumed = await HalfAsync(SseReader.OpenAsync(stopping.Url, "/api/chat/chat/stream"));
        await using var rejoined = await HalfAsync(LlmSystem.OpenAsync(stopping, "/agents/ag-ui", run));
        await using var numbered = await HalfAsync(
            LlmSystem.OpenAsync(stopping, "/agents/ag-ui", run, begun.Events.First().Id)
        );

        await own.StopAsync(stopping);
        foreach (var reader in (SseReader[])[resumed, numbered])
        {
            await reader.WaitForEndAsync();
            Assert.False(reader.EndedProperly);
        }

        // A broken body would end a process of Node with this client.
        await rejoined.WaitForEndAsync();
        Assert.True(rejoined.EndedProperly);
        var last = rejoined.Events.Last();
        Assert.Equal(
            ("RUN_ERROR", "stream_ended", null),
            (last.Json().Text("type"), last.Json().Text("code"), last.Id)
        );

        foreach (var path in (string[])["/api/chat/chat/stream", "/agents/ag-ui/thread/run"])
            (await SeedRequests.SendAsync(staying.Url, HttpMethod.Delete, path)).Dispose();
        using var nothing = await SeedRequests.SendAsync(staying.Url, HttpMethod.Get, "/api/chat/chat/stream");
        Assert.Equal(HttpStatusCode.NoContent, nothing.StatusCode);
        await using var runEnd = await LlmSystem.OpenAsync(staying, "/agents/ag-ui", run).ToEndAsync();
        foreach (var reader in (SseReader[])[asked, begun, runEnd])
        {
            await reader.WaitForEndAsync();
            Assert.True(reader.EndedProperly);
            Assert.Contains(reader.Events, e => e.Data!.Contains("cancelled", StringComparison.Ordinal));
        }

        static async Task<SseReader> HalfAsync(Task<SseReader> opening)
        {
            var reader = await opening;
            await reader.WaitAsync(r => r.Events.Any(e => e.Data!.Contains("half ", StringComparison.Ordinal)));
            return reader;
        }
    }

    private Task RunAsync(string script, params string[] arguments) =>
        SdkScripts.RunAsync(script, [SdkScripts.Address(A), SdkScripts.Address(B), .. arguments]);

    /// <summary>Prompts of both scripts.</summary>
    private Dictionary<string, string> Prompts() =>
        new()
        {
            ["thinking"] = Upstream.On(request =>
                request.EventsAsync(
                    """{"id":"c","model":"fake","choices":[{"index":0,"delta":"""
                        + """{"role":"assistant","content":"","reasoning_content":"Let"}}]}""",
                    """{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":" me"}}]}""",
                    """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t1","type":"function","""
                        + """ "function":{"name":"look","arguments":"{\"a\":1}"}}]}}]}""",
                    """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
                    "[DONE]"
                )
            ),
            ["endless"] = Upstream.On(async request =>
            {
                await request.StartAsync();
                await request.TokensUntilGoneAsync("word ");
            }),
            ["answered"] = Upstream.Saying("it is ", "there"),
            ["dying"] = Upstream.On(async request =>
            {
                await request.StartAsync();
                await request.TokenAsync("half ");
                // Its end without a finish is a failure.
            }),
            ["refused"] = Upstream.On(request => request.RefuseAsync(429, "slow down", "60")),
        };
}
