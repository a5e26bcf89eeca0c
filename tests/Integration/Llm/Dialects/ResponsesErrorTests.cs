using System.Net;
using System.Text;
using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Refusals of OpenAI's Responses API.</summary>
public sealed class ResponsesErrorTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Path = "/v1/responses",
        Function = """ "tools":[{"type":"function","name":"f"}]""";

    /// <summary>Members with something wrong, and its name in the answer.</summary>
    public static TheoryData<string, string> Wrong() =>
        new()
        {
            { """ "input":"x" """, "model" },
            { """ "model":"demo" """, "input" },
            { """ "model":"demo","input":[]""", "input" },
            { """ "model":"demo","input":[1]""", "input[0]" },
            { """ "model":"demo","input":[{"role":"king","content":"x"}]""", "input[0].role" },
            { """ "model":"demo","input":[{"role":"user"}]""", "input[0].content" },
            { """ "model":"demo","input":[{"role":"user","content":[{"text":"x"}]}]""", "input[0].content[0].type" },
            { """ "model":"demo","input":[{"type":"function_call","name":"f"}]""", "input[0].call_id" },
            { """ "model":"demo","input":[{"type":"function_call_output","call_id":"c"}]""", "input[0].output" },
            {
                """ "model":"demo","input":[{"type":"function_call_output","call_id":"c","output":"x"}]""",
                "input[0].call_id"
            },
            { """ "model":"demo","input":[{"type":"function_call","call_id":"c","name":"f"}]""", "input" },
            { """ "model":"demo","input":[{"type":"item_reference","id":"msg_1"}]""", "input[0].id" },
            { """ "model":"demo","input":[{"type":"computer_call","id":"c"}]""", "input[0].type" },
            {
                """ "model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]""",
                "input[0].content[0].type"
            },
            { Hi("temperature", "3"), "temperature" },
            { Hi("max_output_tokens", "0"), "max_output_tokens" },
            { Hi("stream", "1"), "stream" },
            { Hi("text", """{"format":{"type":"json_schema","name":"a","schema":{}}}"""), "text.format" },
            { Hi("tools", """[{"type":"web_search"}]"""), "tools[0].type" },
            { Hi("tools", """[{"type":"function","name":" "}]"""), "tools[0].name" },
            { Hi("tools", """[{"type":"function","name":"f","parameters":[]}]"""), "tools[0].parameters" },
            { Hi("tool_choice", "\"x\""), "tool_choice" },
            { Hi("tool_choice", "\"required\""), "tool_choice" },
            { """ "model":"demo","input":[{"role":"user","content":[]}]""", "input[0].content" },
            { Hi("store", "\"no\""), "store" },
            // Clients of other languages could not read a response that repeats them.
            { Hi("metadata", "\"x\""), "metadata" },
            { Hi("metadata", """{"a":1}"""), "metadata.a" },
            { Hi("metadata", $$"""{"{{new string('n', 65)}}":"x"}"""), "metadata" },
            { Hi("reasoning", "\"high\""), "reasoning" },
            { Hi("service_tier", "1"), "service_tier" },
            { Hi("user", "{}"), "user" },
            { Hi("tool_choice", """{"type":"allowed_tools"},""" + Function), "tool_choice" },
            { Hi("tool_choice", "\"x\"," + Function), "tool_choice" },
            { Hi("previous_response_id", "\"resp_x\""), "previous_response_id" },
            { Hi("background", "true,\"store\":false"), "background" },
            // It would be answered otherwise than asked.
            { Hi("conversation", "\"conv_1\""), "conversation" },
            { Hi("prompt", """{"id":"pmpt_1"}"""), "prompt" },
            { Hi("truncation", "\"auto\""), "truncation" },
            { Hi("context_management", """[{"type":"compaction"}]"""), "context_management" },
            { Hi("top_logprobs", "3"), "top_logprobs" },
            { Hi("include", """["message.output_text.logprobs"]"""), "include" },
            { Hi("whatever_comes", "1"), "whatever_comes" },
        };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public async Task A_wrong_request_is_refused_in_OpenAIs_shape(string members, string named)
    {
        using var content = new StringContent("{" + members + "}", Encoding.UTF8, "application/json");
        using var response = await LlmSystem.PostAsync(A, Path, content);
        var error = await response.JsonAsync();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(("invalid_request_error", named), (error.Text("error.type"), error.Text("error.param")));
    }

    /// <summary>The model's provider is compatible: the API is what lacks them.</summary>
    [Fact]
    public async Task A_vendors_own_tool_is_refused_with_the_API_that_passes_it_on()
    {
        using var response = await LlmSystem.PostAsync(
            A,
            Path,
            JsonElement.Parse($$"""{"model":"llama","input":"hi","tools":[{"type":"web_search"}]}""")
        );
        Assert.Contains(
            "only Chat Completions passes on web_search, to OpenAI-compatible providers",
            (await response.JsonAsync()).Text("error.message"),
            StringComparison.Ordinal
        );
    }

    /// <summary>Clients look for one or the other, and take the answer for whole without it.</summary>
    [Fact]
    public async Task A_death_in_mid_stream_has_its_error_as_members_and_as_an_object()
    {
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
        });
        using var content = new StringContent(
            $$"""{"model":"gpt-4o","stream":true,"input":"{{prompt}}"}""",
            Encoding.UTF8,
            "application/json"
        );
        using var response = await LlmSystem.PostAsync(A, Path, content);
        var text = await response.TextAsync();
        var last = JsonElement.Parse(text.TrimEnd().Split('\n').Last()["data: ".Length..]);
        Assert.Equal(("error", "upstream"), (last.Text("type"), last.Text("code")));
        Assert.Equal(("server_error", "upstream"), (last.Text("error.type"), last.Text("error.code")));
        Assert.Equal(last.Text("message"), last.Text("error.message"));
    }

    [Theory]
    [InlineData("?stream=true&starting_after=x", "starting_after")]
    [InlineData("?stream=true&starting_after=-1", "starting_after")]
    [InlineData("?stream=maybe", "stream")]
    [InlineData("/input_items?after=msg_none", "after")]
    [InlineData("/input_items?limit=101", "limit")]
    [InlineData("/input_items?order=up", "order")]
    public async Task A_wrong_query_is_refused_in_OpenAIs_shape(string query, string named)
    {
        using var response = await GetAsync(query);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(named, (await response.JsonAsync()).Text("error.param"));
    }

    [Theory]
    [InlineData("?strem=true", "strem")]
    [InlineData("?stream=true&starting_at=3", "starting_at")]
    [InlineData("/input_items?before=x", "before")]
    public async Task An_unknown_name_of_a_query_is_refused_in_OpenAIs_shape(string query, string named)
    {
        using var response = await GetAsync(query);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = await response.JsonAsync();
        Assert.Equal("invalid_request_error", error.Text("error.type"));
        Assert.StartsWith($"{named}: is not known here", error.Text("error.message"), StringComparison.Ordinal);
    }

    /// <summary>Azure's clients add it to each address.</summary>
    [Theory]
    [InlineData("?api-version=v1")]
    [InlineData("/input_items?api-version=v1")]
    public async Task The_version_that_a_client_adds_to_a_query_is_ignored(string query)
    {
        using var response = await GetAsync(query);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>The client has mistaken the response, or its numbers: silence would look like a complete one.</summary>
    [Fact]
    public async Task A_number_beyond_the_end_gets_an_error()
    {
        using var response = await GetAsync("?stream=true&starting_after=1000");
        var text = await response.TextAsync();
        Assert.StartsWith("event: error\n", text, StringComparison.Ordinal);
        Assert.Contains("ended before the event that the request names", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deleted_response_is_no_part_of_a_conversation_and_does_not_return_with_its_key()
    {
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var secret = Upstream.Saying("deleted answer");
        var first = await AnswerAsync(secret, previous: null, key);
        var second = await AnswerAsync(Upstream.Saying("second answer"), first);
        using var deleted = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"{Path}/{first}");
        Assert.True((await deleted.JsonAsync()).At("deleted").GetBoolean());

        JsonElement? seen = null;
        var next = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("third");
        });
        await AnswerAsync(next, second);
        Assert.Equal(
            ["user", "assistant", "user"],
            seen!.Value.At("messages").EnumerateArray().Select(message => message.Text("role"))
        );
        Assert.DoesNotContain("deleted answer", seen.Value.GetRawText(), StringComparison.Ordinal);

        using var again = await LlmSystem.PostAsync(A, Path, Question(secret, previous: null), key);
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        using var found = await LlmSystem.Http.GetAsync(new Uri(A.Url, $"{Path}/{first}"), Stop);
        Assert.Equal(HttpStatusCode.NotFound, found.StatusCode);

        async Task<string> AnswerAsync(string prompt, string? previous, params (string, string)[] headers) =>
            (await LlmSystem.AnswerAsync(A, Path, Question(prompt, previous), headers)).Text("id")!;

        static object Question(string input, string? previous) =>
            new
            {
                model = "gpt-4o",
                input,
                previous_response_id = previous,
            };
    }

    private async Task<HttpResponseMessage> GetAsync(string query)
    {
        var answer = await LlmSystem.AnswerAsync(
            A,
            Path,
            new
            {
                model = "demo",
                input = "x",
                max_output_tokens = 1,
            }
        );
        return await LlmSystem.Http.GetAsync(new Uri(B.Url, $"{Path}/{answer.Text("id")}{query}"), Stop);
    }

    private static string Hi(string member, string value) =>
        $$""" "model":"demo","input":"hi","{{member}}":{{value}}""";
}
