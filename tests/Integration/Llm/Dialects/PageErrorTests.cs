using System.Net;
using System.Text;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Requests of pages, as AI SDK and AG-UI send them, that are wrong or unusual.</summary>
public sealed class PageErrorTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Chat = "/api/chat",
        Agent = "/agents/ag-ui",
        Asked = """ "provider":"openai" """,
        Long = """ "max_tokens":4000""";

    /// <summary>Members with something wrong, and its name in the answer.</summary>
    public static TheoryData<string, string, string> Wrong() =>
        new()
        {
            { Chat, """ "id":5""", "id: must be" },
            { Chat, """ "trigger":"resume" """, "trigger" },
            { Chat, """ "messages":[]""", "messages: must hold" },
            { Chat, """ "messages":[{"role":"user","parts":[]}]""", "messages: must hold" },
            { Chat, """ "messages":[{"role":"assistant","parts":[{"type":"step-start"}]}]""", "messages: must hold" },
            { Chat, Part("""{"type":"text","text":1}"""), "parts[0].text" },
            { Chat, Part("""{"type":"file","mediaType":"image/png","url":"data:text/plain,x"}"""), "parts[0].url" },
            { Chat, Part("""{"type":"tool-look","state":"input-available"}"""), "parts[0].toolCallId" },
            { Chat, """ "tool_choice":{}""", "tool_choice" },
            // AI SDK's own names: the answer would be another one than the page wants.
            { Chat, """ "maxOutputTokens":3""", "maxOutputTokens" },
            { Chat, """ "system":"Speak like a pirate." """, "system" },
            { Agent, """ "forwardedProps":{"maxOutputTokens":3}""", "maxOutputTokens" },
            { Agent, """ "runId":"" """, "runId" },
            { Agent, """ "state":{"a":1}""", "state" },
            { Agent, """ "messages":[]""", "messages" },
            { Agent, """ "context":[{}]""", "context[0].description" },
            { Agent, """ "context":[{"description":"a","value":1}]""", "context[0].value" },
            { Agent, """ "messages":[{"id":"1","role":"user","content":[{"type":"audio"}]}]""", "content[0].type" },
            {
                Agent,
                """ "messages":[{"id":"1","role":"tool","toolCallId":"c9","content":"b"}]""",
                "messages[0].toolCallId: no message before it has the call 'c9'."
            },
            { Agent, Tool("""{"name":"f","parameters":"none"}"""), "tools[0].parameters" },
            { Agent, Tool($$"""{"name":"{{new string('f', 65)}}"}"""), "tools[0].name" },
            { Agent, """ "forwardedProps":{"tool_choice":"any"}""", "tool_choice" },
        };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public async Task A_wrong_request_is_refused_in_the_protocols_shape(string path, string members, string named)
    {
        using var response = await PostAsync(path, members);
        var error = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(path == Chat ? "error" : "RUN_ERROR", error.Text("type"));
        Assert.Contains(named, error.Text(path == Chat ? "errorText" : "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_has_begun_is_not_joined_with_messages_that_are_none()
    {
        var run = Guid.NewGuid();
        (await PostAsync(Agent, $$""" "runId":"{{run}}" """)).Dispose();

        using var refused = await PostAsync(Agent, $$""" "runId":"{{run}}","messages":[1]""");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("messages[0]", await refused.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_choice_of_a_tool_reaches_the_provider()
    {
        var seen = await AskedAsync(
            Agent,
            prompt =>
                $$"""
                    "messages":[{"id":"1","role":"user","content":"{{prompt}}"}],{{Tool("""{"name":"f"}""")}},
                    "forwardedProps":{"provider":"openai","tool_choice":"none"}
                    """
        );
        Assert.Equal(("f", "none"), (seen.Text("tools.0.function.name"), seen.Text("tool_choice")));
    }

    /// <summary>No model takes it: the next question of a page that has ignored a call would fail for ever.</summary>
    [Theory]
    [InlineData(
        Chat,
        """{"id":"2","role":"assistant","parts":[{"type":"tool-f","toolCallId":"c","state":"input-available"}]},""",
        """{"id":"3","role":"user","parts":[{"type":"text","text":"PROMPT"}]}"""
    )]
    [InlineData(
        Agent,
        """{"id":"2","role":"assistant","toolCalls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},""",
        """{"id":"3","role":"user","content":"PROMPT"}"""
    )]
    public async Task A_call_that_the_page_has_not_answered_is_left_out(string path, string call, string question)
    {
        var seen = await AskedAsync(
            path,
            prompt =>
                $$"""
                    "messages":[{{call}}{{question.Replace("PROMPT", prompt, StringComparison.Ordinal)}}],
                    {{(path == Chat ? Asked : $$"""  "forwardedProps":{{{Asked}}}""")}}
                    """
        );
        Assert.Equal(["user"], seen.At("messages").EnumerateArray().Select(message => message.Text("role")));
    }

    [Fact]
    public async Task Texts_of_a_continued_message_reach_the_provider_apart()
    {
        var seen = await AskedAsync(
            Chat,
            prompt =>
                $$"""
                    "messages":[{"id":"1","role":"assistant","parts":[{"type":"text","text":"A."},
                    {"type":"text","text":"B."}]},
                    {"id":"2","role":"user","parts":[{"type":"text","text":"{{prompt}}"}]}],{{Asked}}
                    """
        );
        Assert.Equal(("A.", "B."), (seen.Text("messages.0.content"), seen.Text("messages.1.content")));
    }

    /// <summary>AG-UI's client takes it in <c>initialMessages</c>, and sends it with each run of the thread.</summary>
    [Fact]
    public async Task A_message_of_the_assistant_that_has_nothing_is_left_out()
    {
        var seen = await AskedAsync(
            Agent,
            prompt =>
                $$"""
                    "messages":[{"id":"1","role":"assistant"},{"id":"2","role":"assistant","content":null},
                    {"id":"3","role":"user","content":"{{prompt}}"}],"forwardedProps":{"provider":"openai"}
                    """
        );
        Assert.Equal(["user"], seen.At("messages").EnumerateArray().Select(message => message.Text("role")));
    }

    [Fact]
    public async Task A_continued_message_is_read_again_whatever_its_members_are()
    {
        var chat = Guid.NewGuid().ToString();
        const string Parts = """
            {"type":"reasoning","text":5},{"type":"data-a","toolCallId":"x"},{"type":"text","text":"before"}
            """;
        var message = $$"""{"role":"assistant","store":"no","parts":[{{Parts}}]}""";
        await using var again = await AgainAsync(chat, message);
        Assert.True(again.EndedProperly);
        Assert.Contains(again.Events, e => e.Data!.Contains("before", StringComparison.Ordinal));
        Assert.Equal("[DONE]", again.Events.Last().Data);

        var id = again.Events.First().Json().Text("messageId");
        var response = await SeedRequests.GetAsync(B.Url, $"/v1/responses/resp_{id}");
        Assert.Equal("demo", response.Text("model"));
    }

    /// <summary>A page runs its tool at each <c>tool-input-available</c>: an order would be placed again at each
    /// reload.</summary>
    [Fact]
    public async Task A_continued_message_comes_again_without_a_call_for_the_page_to_run()
    {
        var chat = Guid.NewGuid().ToString();
        const string Parts = """
            {"type":"tool-order","toolCallId":"c1","state":"output-available","input":{"id":7},"output":"done"},
            {"type":"tool-order","toolCallId":"c2","state":"output-error","input":{"id":8},"errorText":"sold"},
            {"type":"tool-order","toolCallId":"c3","state":"output-error","rawInput":"{id","errorText":"bad"}
            """;
        var message = $$"""{"role":"assistant","metadata":{"page":1},"parts":[{{Parts}}]}""";
        await using var again = await AgainAsync(chat, message);
        var chunks = again.Events.SkipLast(1).Select(e => e.Json()).ToList();

        Assert.Equal(
            [
                "tool-input-start c1",
                "tool-input-delta c1",
                "tool-output-available c1",
                "tool-input-start c2",
                "tool-input-delta c2",
                "tool-output-error c2",
                "tool-input-error c3",
            ],
            chunks
                .Where(chunk => chunk.Text("type")!.StartsWith("tool-", StringComparison.Ordinal))
                .Select(chunk => $"{chunk.Text("type")} {chunk.Text("toolCallId")}")
        );
        Assert.Equal("""{"id":7}""", chunks.First(c => c.Text("type") == "tool-input-delta").Text("inputTextDelta"));
        Assert.Equal("{id", chunks.Single(c => c.Text("type") == "tool-input-error").Text("input"));
        Assert.Equal(1, chunks[0].At("messageMetadata.page").GetInt32());
    }

    [Fact]
    public async Task A_repeated_request_does_not_become_the_latest_of_its_chat()
    {
        var chat = Guid.NewGuid().ToString();
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var first = await TextAsync(chat, "one", key);
        var body = BodyOf(Chat, $$""" "id":"{{chat}}",{{Part("""{"type":"text","text":"two"}""")}},{{Long}}""");
        await using var second = await LlmSystem.OpenAsync(A, Chat, body).ToEventsAsync(1);
        Assert.Equal(first, await TextAsync(chat, "one", key));

        await using var latest = await SseReader.OpenAsync(B.Url, $"{Chat}/{chat}/stream").ToEventsAsync(1);
        Assert.Equal(second.Events.First().Data, latest.Events.First().Data);
    }

    /// <summary>Returns the answer that a page gets which returns while the answer runs; it is then stopped.</summary>
    private async Task<SseReader> AgainAsync(string chat, string message)
    {
        var body = BodyOf(Chat, $$""" "id":"{{chat}}","messages":[{{message}}],{{Long}}""");
        await using var asked = await LlmSystem.OpenAsync(A, Chat, body).ToEventsAsync(1);
        var again = await SseReader.OpenAsync(B.Url, $"{Chat}/{chat}/stream");
        await again.WaitAsync(r => LlmSystem.Text(r.Events, "delta").Contains("You asked", StringComparison.Ordinal));

        using var stopped = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"{Chat}/{chat}/stream");
        await again.WaitForEndAsync();
        return again;
    }

    private async Task<string> TextAsync(string chat, string text, params (string, string)[] headers)
    {
        using var response = await PostAsync(
            Chat,
            $$""" "id":"{{chat}}",{{Part($$"""{"type":"text","text":"{{text}}"}""")}}""",
            headers
        );
        return await response.TextAsync();
    }

    /// <summary>Returns the body that the provider gets.</summary>
    private async Task<JsonElement> AskedAsync(string path, Func<string, string> membersOf)
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("yes");
        });
        using var response = await PostAsync(path, membersOf(prompt));
        Assert.Contains("yes", await response.TextAsync(), StringComparison.Ordinal);
        return seen!.Value;
    }

    /// <summary>Sends a request that is right but for the given members.</summary>
    private Task<HttpResponseMessage> PostAsync(string path, string members, params (string, string)[] headers)
    {
        var content = new StringContent(BodyOf(path, members).GetRawText(), Encoding.UTF8, "application/json");
        return LlmSystem.PostAsync(A, path, content, headers);
    }

    private static JsonElement BodyOf(string path, string members)
    {
        var usual = JsonElement.Parse(
            path == Chat
                ? $$"""{"id":"c","model":"demo","max_tokens":3,{{Part("""{"type":"text","text":"x"}""")}}}"""
                : $$"""
                {"threadId":"t","runId":"{{Guid.NewGuid()}}","forwardedProps":{"model":"demo","max_tokens":3},
                "messages":[{"id":"1","role":"user","content":"x"}]}
                """
        );
        var given = JsonElement.Parse("{" + members + "}").EnumerateObject().ToDictionary(m => m.Name, m => m.Value);
        foreach (var member in usual.EnumerateObject())
            given.TryAdd(member.Name, member.Value);
        if (path == Chat && given.ContainsKey("provider"))
            given.Remove("model");

        return JsonSerializer.SerializeToElement(given);
    }

    private static string Part(string json) => $$""" "messages":[{"role":"user","parts":[{{json}}]}]""";

    private static string Tool(string json) => $""" "tools":[{json}]""";
}
