using System.Text.Json;
using System.Text.Json.Nodes;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>JSON that is as deep as a request may be, where an answer or the store wraps it.</summary>
public sealed class DeepJsonTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    /// <summary>Around the most that a stored prompt has room for, and that a reader takes.</summary>
    public static TheoryData<int> Depths => [59, 60, 62, 63, 64, 65];

    [Theory]
    [MemberData(nameof(Depths))]
    public async Task A_call_of_any_depth_is_read_cancelled_and_sent_back(int depth)
    {
        var arguments = Nested(depth);
        var prompt = Upstream.On(async request =>
        {
            await request.BeginAsync();
            var function = JsonSerializer.Serialize(new { name = "find", arguments });
            await request.EventsAsync(
                $$$"""{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{{{function}}}}]}}]}""",
                """{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}""",
                "[DONE]"
            );
        });

        var id = await LlmSystem.GenerateAsync(A, prompt, "openai");
        await using var reader = await LlmSystem.ReadAsync(A, id);
        var state = await LlmSystem.StateAsync(B, id);
        Assert.Equal("done", state.Text("status"));
        var input = state.GetProperty("toolUses")[0].GetProperty("input");
        Assert.Equal(arguments, input.ValueKind == JsonValueKind.String ? input.GetString() : input.GetRawText());
        using var cancelled = await LlmSystem.Http.DeleteAsync(new Uri(A.Url, $"/v1/generations/{id}"), Stop);
        Assert.Equal(200, (int)cancelled.StatusCode);

        var function = new { name = "find", arguments };
        object[] said =
        [
            new { role = "user", content = "Look." },
            new
            {
                id = "m1",
                role = "assistant",
                tool_calls = new[]
                {
                    new
                    {
                        id = "c1",
                        type = "function",
                        function,
                    },
                },
            },
            new
            {
                role = "tool",
                tool_call_id = "c1",
                content = "a cat",
            },
        ];
        await AssertTakenAsync("/v1/generations", new { model = "demo", messages = said });

        object[] turns =
        [
            new { role = "user", content = "Look." },
            new
            {
                type = "function_call",
                call_id = "c1",
                name = "find",
                arguments,
            },
            new
            {
                type = "function_call_output",
                call_id = "c1",
                output = "a cat",
            },
        ];
        await AssertTakenAsync("/v1/responses", new { model = "demo", input = turns });
    }

    [Theory]
    [MemberData(nameof(Depths))]
    public async Task An_AG_UI_call_and_one_of_a_chat_of_any_depth_are_taken(int depth)
    {
        var arguments = Nested(depth);
        var function = new { name = "find", arguments };
        var call = new
        {
            id = "c1",
            type = "function",
            function,
        };
        object[] messages =
        [
            new
            {
                id = "m1",
                role = "user",
                content = "Look.",
            },
            new
            {
                id = "m2",
                role = "assistant",
                toolCalls = new[] { call },
            },
            new
            {
                id = "m3",
                role = "tool",
                toolCallId = "c1",
                content = "a cat",
            },
        ];
        var name = Guid.NewGuid().ToString("N");
        await AssertTakenAsync(
            "/agents/ag-ui",
            new
            {
                threadId = name,
                runId = name,
                messages,
            }
        );

        object part = new
        {
            type = "tool-find",
            toolCallId = "c1",
            state = "output-error",
            rawInput = arguments,
            errorText = "no cat",
        };
        object question = new { type = "text", text = "Look." };
        var asked = new { role = "user", parts = new[] { question } };
        await AssertTakenAsync("/api/chat", new { id = name, messages = new[] { asked } });
        var answer = await AssertTakenAsync(
            "/api/chat",
            new { id = name, messages = new[] { asked, new { role = "assistant", parts = new[] { part } }, asked } }
        );

        var run = JsonNode.Parse(answer.Split('\n')[0]["data: ".Length..])!["messageId"];
        var stream = new Uri(B.Url, $"/v1/generations/{run}/stream?format=ui-messages");
        using var again = await LlmSystem.Http.GetAsync(stream, Stop);
        Assert.Equal(200, (int)again.StatusCode);
    }

    /// <summary>A schema is within three levels of the request, and the response repeats it.</summary>
    [Theory]
    [InlineData(60, 200)]
    [InlineData(61, 200)]
    [InlineData(62, 400)]
    public async Task A_tools_schema_is_as_deep_as_a_request_may_be(int depth, int status)
    {
        var tool = $$"""{"type":"function","name":"find","parameters":{{Nested(depth)}}}""";
        foreach (var stream in (string[])["true", "false"])
        {
            var body = $$"""{"model":"demo","input":"Hi.","stream":{{stream}},"tools":[{{tool}}]}""";
            using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            using var response = await LlmSystem.Http.PostAsync(new Uri(A.Url, "/v1/responses"), content, Stop);
            Assert.Equal((status, stream), ((int)response.StatusCode, stream));
            Assert.DoesNotContain("response.failed", await response.Content.ReadAsStringAsync(Stop));
        }
    }

    private async Task<string> AssertTakenAsync(string path, object body)
    {
        using var response = await LlmSystem.PostAsync(A, path, body);
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.True(response.IsSuccessStatusCode, $"{path} is {(int)response.StatusCode}.\n{text}");
        Assert.DoesNotContain("RUN_ERROR", text, StringComparison.Ordinal);
        return text;
    }

    /// <summary>An object of so many levels.</summary>
    private static string Nested(int depth) =>
        string.Concat(Enumerable.Repeat("""{"a":""", depth - 1)) + "{}" + new string('}', depth - 1);
}
