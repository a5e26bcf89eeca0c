using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>OpenAI's Responses API: its own JavaScript client, AI SDK with its default, and what both rely
/// on.</summary>
public sealed class ResponsesTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/v1/responses";

    internal static readonly string[] Rich =
    [
        """{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"I think."}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"content":"Let me look."}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","""
            + """ "function":{"name":"find","arguments":"{\"a\":[1]}"}}]}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
        """{"id":"c1","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":8,"""
            + """ "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":5}}}""",
        "[DONE]",
    ];

    private static readonly string[] Declined =
    [
        """{"id":"c1","choices":[{"index":0,"delta":{"refusal":"I am sorry."},"finish_reason":"stop"}]}""",
        "[DONE]",
    ];

    [Fact]
    public async Task OpenAIs_javascript_client_returns_to_a_response_on_any_replica()
    {
        JsonElement? asked = null;
        await SdkScripts.RunAsync(
            "responses.mjs",
            SdkScripts.Address(A),
            SdkScripts.Address(B),
            Prompts(request => asked = request.Body)
        );

        // The turn before is in the request, and the instructions are this one's.
        Assert.Equal(
            ["system", "user", "assistant", "tool", "user"],
            asked!.Value.At("messages").EnumerateArray().Select(message => message.Text("role"))
        );
        Assert.Equal("call_1", asked.Value.Text("messages.2.tool_calls.0.id"));
        Assert.Equal(
            ("call_1", "found it"),
            (asked.Value.Text("messages.3.tool_call_id"), asked.Value.Text("messages.3.content"))
        );
    }

    [Fact]
    public async Task The_AI_SDK_works_with_its_default_for_OpenAI()
    {
        JsonElement? asked = null;
        await SdkScripts.RunAsync("aisdk.mjs", SdkScripts.Address(A), Prompts(request => asked = request.Body));
        // It names the items of the answer before, in place of sending them.
        Assert.Equal(
            ["user", "assistant", "tool", "user"],
            asked!.Value.At("messages").EnumerateArray().Select(message => message.Text("role"))
        );
        Assert.Equal(
            ("Let me look.", "find"),
            (asked.Value.Text("messages.1.content"), asked.Value.Text("messages.1.tool_calls.0.function.name"))
        );
    }

    [Fact]
    public async Task The_member_stream_decides_and_not_the_header_Accept()
    {
        var question = new
        {
            model = "demo",
            input = "hello",
            max_output_tokens = 3,
        };
        var whole = await LlmSystem.AnswerAsync(A, Path, question, ("Accept", "text/event-stream"));
        Assert.Equal("response", whole.Text("object"));

        using var streamed = await LlmSystem.PostAsync(
            A,
            Path,
            new
            {
                model = "demo",
                input = "hello",
                max_output_tokens = 3,
                stream = true,
            },
            ("Accept", "application/json")
        );
        Assert.Equal("text/event-stream", streamed.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task A_reader_that_is_cut_twenty_times_has_each_event_once_and_byte_for_byte()
    {
        var count = 0;
        var hasAll = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            for (; count < 60 || !hasAll.Task.IsCompleted; count++)
            {
                await request.TokenAsync($"word{count} 語 ");
                await Task.Delay(10, request.Gone);
            }

            await request.EndAsync(count);
        });

        var had = new List<string>();
        await using (var first = await AskAsync(A, prompt).ToEventsAsync(4))
            had.AddRange(first.Events.Select(e => e.Data!));
        var id = JsonElement.Parse(had[0]).Text("response.id")!;

        for (var cut = 0; cut < 20; cut++)
        {
            await using var reader = await ReadAsync(cut % 2 == 0 ? B : A, id, had.Count - 1)
                .ToEventsAsync(1 + cut % 3);
            had.AddRange(reader.Events.Select(e => e.Data!));
        }

        hasAll.SetResult();
        await using (var rest = await ReadAsync(B, id, had.Count - 1).ToEndAsync())
            had.AddRange(rest.Events.Select(e => e.Data!));

        foreach (var replica in (RunningService[])[A, B])
        {
            await using var replay = await SseReader.OpenAsync(replica.Url, $"{Path}/{id}?stream=true").ToEndAsync();
            Assert.True(replay.EndedProperly);
            Assert.Equal(had, replay.Events.Select(e => e.Data));
            Assert.All(replay.Events, e => Assert.Equal(e.Event, e.Json().Text("type")));
        }

        var last = JsonElement.Parse(had[^1]);
        Assert.Equal(
            ("response.completed", string.Concat(Enumerable.Range(0, count).Select(n => $"word{n} 語 "))),
            (last.Text("type"), last.Text("response.output.0.content.0.text"))
        );
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_week_later_a_replica_that_is_new_has_the_same_response_and_goes_on_from_it()
    {
        var answer = await LlmSystem.AnswerAsync(
            A,
            Path,
            new
            {
                model = "demo",
                input = "hello",
                max_output_tokens = 20,
            }
        );
        var id = answer.Text("id")!;
        await using var first = await ReadAsync(A, id, after: 3).ToEndAsync();

        await World.Database.ExecuteAsync(
            "update eventstore.events set time = time - interval '7 days' "
                + $"where topic = 'generations.{id["resp_".Length..]}'"
        );
        var later = await World.StartReplicaAsync();

        Assert.Equal(answer.GetRawText(), (await StateAsync(later, id)).GetRawText());
        await using var again = await ReadAsync(later, id, after: 3).ToEndAsync();
        Assert.NotEmpty(again.Events);
        Assert.Equal(first.Events.Select(e => e.Data), again.Events.Select(e => e.Data));
        var next = await LlmSystem.AnswerAsync(
            later,
            Path,
            new
            {
                model = "demo",
                input = "And then?",
                previous_response_id = id,
                max_output_tokens = 3,
            }
        );
        Assert.Equal(id, next.Text("previous_response_id"));
        await World.StopAsync(later);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Only_a_response_in_the_background_goes_on_without_its_client(bool background)
    {
        var gone = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("on ");
            gone.SetResult();
        });
        string id;
        await using (var reader = await AskAsync(A, prompt, background).ToEventsAsync(5))
            id = reader.Events.First().Json().Text("response.id")!;

        if (!background)
        {
            await gone.Task.WaitAsync(Stop);
            await Eventually.HoldsAsync(
                async () => (await StateAsync(B, id)).Text("status") == "cancelled",
                "the response is cancelled"
            );
            return;
        }

        var seen = (await StateAsync(B, id)).Text("output.0.content.0.text")!.Length;
        await Eventually.HoldsAsync(
            async () => (await StateAsync(B, id)).Text("output.0.content.0.text")!.Length > seen + 30,
            "the response goes on"
        );
        Assert.False(gone.Task.IsCompleted);
        using var cancelled = await LlmSystem.PostAsync(B, $"{Path}/{id}/cancel", body: null);
        Assert.Equal("cancelled", (await cancelled.JsonAsync()).Text("status"));
        await gone.Task.WaitAsync(Stop);
    }

    [Fact]
    public async Task A_repeated_key_gets_the_same_response_and_survives_its_client()
    {
        var more = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half ");
            await more.Task;
            await request.TokenAsync("whole");
            await request.EndAsync(2);
        });
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var question = new
        {
            model = "gpt-4o",
            input = prompt,
            stream = true,
        };
        using (var gone = new CancellationTokenSource())
        {
            var request = new HttpRequestMessage(HttpMethod.Post, new Uri(A.Url, Path))
            {
                Content = SeedRequests.ContentOf(question),
            };
            request.Headers.Add(key.Item1, key.Item2);
            using var response = await LlmSystem.Http.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                Stop
            );
            await using var body = await response.Content.ReadAsStreamAsync(Stop);
            var some = new byte[8];
            await body.ReadExactlyAsync(some, Stop);
        }

        more.SetResult();
        using var again = await LlmSystem.PostAsync(B, Path, question, key);
        Assert.EndsWith("whole", Delta(await again.TextAsync()), StringComparison.Ordinal);
        Assert.Equal(1, Upstream.Attempts(prompt));

        static string Delta(string events) =>
            string.Concat(
                events
                    .Split('\n')
                    .Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
                    .Select(line => JsonElement.Parse(line["data: ".Length..]))
                    .Where(e => e.Text("type") == "response.output_text.delta")
                    .Select(e => e.Text("delta"))
            );
    }

    [Fact]
    public async Task The_schema_and_the_tools_of_a_response_reach_its_provider()
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("{}");
        });
        var input = $$"""
            [{"role":"developer","content":"Be exact."},
            {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yes?"}]},
            {"role":"user","content":[{"type":"input_text","text":"{{prompt}}"},
            {"type":"input_image","image_url":"https://example.com/a.png","detail":"low"},
            {"type":"input_image","image_url":"data:image/png;base64,AA==","detail":"high"}]}]
            """;
        const string schema = """{"type":"json_schema","name":"a","schema":{"type":"object"},"strict":true}""";

        var members = $$"""
            {"model":"gpt-4o","input":{{input}},"text":{"format":{{schema}} },"parallel_tool_calls":false,
            "tools":[{"type":"function","name":"f","parameters":{"type":"object"} }],
            "tool_choice":{"type":"function","name":"f"},"reasoning":{"effort":"low"},"truncation":"disabled"}
            """;
        var answer = await LlmSystem.AnswerAsync(A, Path, JsonElement.Parse(members));

        var body = seen!.Value;
        Assert.Equal(("Be exact.", "Yes?"), (body.Text("messages.0.content"), body.Text("messages.1.content")));
        Assert.Equal("https://example.com/a.png", body.Text("messages.2.content.1.image_url.url"));
        Assert.Equal(
            ("low", "high"),
            (body.Text("messages.2.content.1.image_url.detail"), body.Text("messages.2.content.2.image_url.detail"))
        );
        var items = await SeedRequests.GetAsync(B.Url, $"{Path}/{answer.Text("id")}/input_items");
        Assert.Equal(("low", "high"), (items.Text("data.0.content.1.detail"), items.Text("data.0.content.2.detail")));
        Assert.Equal(("f", "f"), (body.Text("tools.0.function.name"), body.Text("tool_choice.function.name")));
        Assert.Equal("a", body.Text("response_format.json_schema.name"));
        Assert.False(body.At("parallel_tool_calls").GetBoolean());
    }

    /// <summary>The prompts of the scripts.</summary>
    private string Prompts(Action<UpstreamRequest> onNext) =>
        JsonSerializer.Serialize(
            new
            {
                paced = Upstream.On(async request =>
                {
                    await request.StartAsync();
                    for (var i = 0; i < 40; i++)
                    {
                        await request.TokenAsync($"word{i} 語 ");
                        await Task.Delay(20, request.Gone);
                    }

                    await request.EndAsync(40);
                }),
                endless = Upstream.On(async request =>
                {
                    await request.StartAsync();
                    await request.TokensUntilGoneAsync("on and on ");
                }),
                dying = Upstream.On(async request =>
                {
                    await request.StartAsync();
                    await request.TokenAsync("half ");
                }),
                refused = Upstream.On(request => request.RefuseAsync(429, "slow down", "60")),
                rich = Upstream.On(request => request.EventsAsync(Rich)),
                declined = Upstream.On(request => request.EventsAsync(Declined)),
                next = Upstream.On(request =>
                {
                    onNext(request);
                    return request.SayAsync("short");
                }),
            }
        );

    private static Task<SseReader> AskAsync(RunningService replica, string prompt, bool background = true) =>
        LlmSystem.OpenAsync(
            replica,
            Path,
            new
            {
                model = "gpt-4o",
                input = prompt,
                stream = true,
                background,
            }
        );

    private static Task<SseReader> ReadAsync(RunningService replica, string id, int after) =>
        SseReader.OpenAsync(replica.Url, $"{Path}/{id}?stream=true&starting_after={after}");

    private static Task<JsonElement> StateAsync(RunningService replica, string id) =>
        SeedRequests.GetAsync(replica.Url, $"{Path}/{id}");
}
