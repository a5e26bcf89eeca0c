using System.Net;
using System.Text;
using System.Text.Json;
using Adopter.Showing;
using Microsoft.Extensions.AI;

namespace Adopter.Gateway;

/// <summary>Requests of five protocols that an application's runs answer.</summary>
public sealed class RunRequestTests
{
    private readonly List<RunRequest> _started = [];
    private Exception? _refusal;
    private Func<CancellationToken, Task>? _work;
    private bool _hasWorked;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> News =>
        new()
        {
            // Results of parallel calls.
            {
                "chat-completions",
                """
                    {"messages":[{"role":"user","content":"Where?"},
                    {"role":"assistant","tool_calls":[
                    {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
                    {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},
                    {"role":"tool","tool_call_id":"a","content":"Osaka"},
                    {"role":"tool","tool_call_id":"b","content":[{"type":"text","text":"Kyoto"}]}]}
                    """,
                "tool a=Osaka; tool b=Kyoto"
            },
            {
                "messages",
                """
                    {"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"Osaka"},
                    {"type":"tool_result","tool_use_id":"b"},{"type":"text","text":"And?"}]}]}
                    """,
                "tool a=Osaka b=; user And?"
            },
            {
                "responses",
                """
                    {"previous_response_id":"resp_1","input":[
                    {"type":"function_call_output","call_id":"a","output":"Osaka"},
                    {"type":"function_call_output","call_id":"b","output":"Kyoto"}]}
                    """,
                "tool a=Osaka; tool b=Kyoto"
            },
            {
                "ui-messages",
                """
                    {"messages":[{"role":"user","parts":[{"type":"text","text":"Where?"}]},{"role":"assistant","parts":[
                    {"type":"tool-f","toolCallId":"a","state":"output-available","input":{},"output":"Osaka"},
                    {"type":"tool-f","toolCallId":"b","state":"output-error","input":{},"errorText":"no permission"}]}]}
                    """,
                "tool a=Osaka b=Error: no permission"
            },
            // What the user has denied, before and after the page has shown it, and approved.
            {
                "ui-messages",
                """
                    {"messages":[{"role":"assistant","parts":[{"type":"tool-f","toolCallId":"a","state":"output-denied",
                    "approval":{"reason":"too dear"}},{"type":"tool-f","toolCallId":"b","state":"approval-responded",
                    "approval":{"id":"q","approved":false}},{"type":"tool-f","toolCallId":"c","input":{},
                    "state":"approval-responded","approval":{"id":"r","approved":true}}]}]}
                    """,
                "tool a=Error: The user has denied this call: too dear b=Error: The user has denied this call.; "
                    + "user ToolApprovalResponseContent"
            },
            {
                "ag-ui",
                """
                    {"threadId":"t","runId":"r","messages":[{"role":"user","content":"Where?"},
                    {"role":"assistant","toolCalls":[
                    {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
                    {"role":"tool","toolCallId":"a","content":"Osaka"},{"role":"user","content":"And?"}]}
                    """,
                "tool a=Osaka; user And?"
            },
            // Texts and images of a message.
            {
                "chat-completions",
                """
                    {"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[
                    {"type":"text","text":"One?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
                    {"type":"text","text":"Two?"}]}]}
                    """,
                "system Be brief.; user One? image/png Two?"
            },
            {
                "messages",
                """
                    {"system":"Be brief.","messages":[{"role":"user","content":[{"type":"text","text":"One?"},
                    {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                    {"type":"text","text":"Two?"}]}]}
                    """,
                "system Be brief.; user One? image/png Two?"
            },
            {
                "responses",
                """
                    {"instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"One?"},
                    {"type":"input_image","image_url":"data:image/png;base64,AAAA"},
                    {"type":"input_text","text":"Two?"}]}]}
                    """,
                "system Be brief.; user One? image/png Two?"
            },
            {
                "ui-messages",
                """
                    {"messages":[{"role":"user","parts":[{"type":"text","text":"One?"},
                    {"type":"file","mediaType":"image/png","url":"data:image/png;base64,AAAA"},
                    {"type":"text","text":"Two?"}]}]}
                    """,
                "user One? image/png Two?"
            },
            {
                "ag-ui",
                """
                    {"threadId":"t","runId":"r","messages":[{"role":"user","content":[{"type":"text","text":"One?"},
                    {"type":"image","source":{"type":"data","value":"AAAA","mimeType":"image/png"}},
                    {"type":"text","text":"Two?"}]}]}
                    """,
                "user One? image/png Two?"
            },
            // What the model has seen, and a call that the page has not answered.
            {
                "ui-messages",
                """
                    {"messages":[{"role":"user","parts":[{"type":"text","text":"Before?"}]},
                    {"role":"assistant","parts":[
                    {"type":"tool-f","toolCallId":"a","state":"input-available","input":{}}]},
                    {"role":"user","parts":[{"type":"text","text":"Now?"}]}]}
                    """,
                "user Now?"
            },
            {
                "responses",
                """
                    {"input":[{"role":"user","content":"Before?"},
                    {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
                    {"role":"user","content":"Now?"}]}
                    """,
                "user Now?"
            },
            { "messages", """{"messages":[{"role":"user","content":"A?"},{"role":"assistant","content":"So"}]}""", "" },
        };

    [Theory]
    [MemberData(nameof(News))]
    public async Task All_that_is_new_in_a_request_reaches_the_application(string format, string body, string news)
    {
        await using var app = await StartAsync();
        var (status, text) = await SendAsync(app, format, body);

        Assert.True(status == HttpStatusCode.OK, text);
        Assert.Equal(news, string.Join("; ", Assert.Single(_started).NewMessages.Select(Describe)));
    }

    [Fact]
    public async Task The_tools_of_the_client_and_its_own_members_reach_the_application()
    {
        await using var app = await StartAsync();
        const string Function = """{"name":"locate","description":"Locates.","parameters":{"type":"object"}}""";
        const string Said = """{"role":"user","content":"Where?"}""";
        foreach (
            var (format, body) in ((string, string)[])
                [
                    (
                        "chat-completions",
                        $$$"""{"messages":[{{{Said}}}],"tools":[{"type":"function","function":{{{Function}}}}]}"""
                    ),
                    (
                        "messages",
                        $$$"""{"messages":[{{{Said}}}],"tools":[{{{Function}}}]}""".Replace(
                            "parameters",
                            "input_schema"
                        )
                    ),
                    ("responses", $$$"""{"input":"Where?","tools":[{"type":"function",{{{Function[1..]}}}]}"""),
                    ("ag-ui", $$$"""{"threadId":"t","runId":"r","messages":[{{{Said}}}],"tools":[{{{Function}}}]}"""),
                ]
        )
            await SendAsync(app, format, body);

        Assert.Equal(4, _started.Count);
        foreach (var request in _started)
        {
            var tool = Assert.IsType<AIFunctionDeclaration>(Assert.Single(request.Tools), exactMatch: false);
            Assert.Equal(("locate", "Locates."), (tool.Name, tool.Description));
            Assert.Equal("object", tool.JsonSchema.GetProperty("type").GetString());
        }

        Assert.Equal([null, null, null, "r"], _started.Select(request => request.Id));
        Assert.Equal("t", _started[^1].Body.GetProperty("threadId").GetString());
    }

    [Theory]
    [InlineData("chat-completions", "{", "{\"error\":{\"message\":\"body: is not JSON")]
    [InlineData("messages", "{", "\"type\":\"invalid_request_error\",\"message\":\"body: is not JSON")]
    [InlineData("responses", "{", "{\"error\":{\"message\":\"body: is not JSON")]
    [InlineData("ui-messages", "{", "{\"type\":\"error\",\"errorText\":\"body: is not JSON")]
    [InlineData("ag-ui", "{", "{\"type\":\"RUN_ERROR\",\"message\":\"body: is not JSON")]
    [InlineData("chat-completions", """{"messages":[],"stream":true}""", "messages: must hold at least one message.")]
    [InlineData("messages", """{"messages":[]}""", "messages: must hold at least one message.")]
    [InlineData("responses", """{"input":[]}""", "input: must hold at least one message.")]
    [InlineData("ui-messages", """{"messages":[]}""", "messages: must hold at least one message.")]
    [InlineData("ag-ui", """{"threadId":"t","runId":"r","messages":[]}""", "messages: must hold at least one message.")]
    [InlineData("chat-completions", """{"stream":"x","messages":[{"role":"user","content":"?"}]}""", "stream: must be")]
    [InlineData("messages", """{"stream":"x","messages":[{"role":"user","content":"?"}]}""", "stream: must be")]
    [InlineData("responses", """{"background":"x","input":"?"}""", "background: must be")]
    [InlineData(
        "chat-completions",
        """{"stream":true,"stream_options":{"include_usage":1},"messages":[{"role":"user","content":"?"}]}""",
        "include_usage: must be"
    )]
    [InlineData("ag-ui", """{"threadId":"t","messages":[{"role":"user","content":"?"}]}""", "runId: is required.")]
    [InlineData("responses", "{}", "input: is required.")]
    [InlineData(
        "chat-completions",
        """{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}""",
        "'input_audio' cannot be sent"
    )]
    [InlineData(
        "responses",
        """{"input":"?","tools":[{"type":"web_search"}]}""",
        "an application's run has no web_search"
    )]
    [InlineData("responses", """{"input":[{"type":"item_reference","id":"msg_1"}]}""", "there is no item 'msg_1' here")]
    public async Task A_bad_request_gets_400_in_the_protocols_error_and_starts_nothing(
        string format,
        string body,
        string text
    )
    {
        await using var app = await StartAsync();
        var answer = await SendAsync(app, format, body);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains(text, answer.Text, StringComparison.Ordinal);
        Assert.Empty(_started);
    }

    [Theory]
    [InlineData("chat-completions", """{"error":{"message":"Not now.","type":""")]
    [InlineData("messages", """{"type":"error","error":{"type":"invalid_request_error","message":"Not now."}""")]
    public async Task A_refusal_of_the_application_has_the_protocols_error_and_the_refusals_status(
        string format,
        string text
    )
    {
        await using var app = await StartAsync();
        _refusal = new BadHttpRequestException("Not now.", StatusCodes.Status409Conflict);
        var answer = await SendAsync(app, format, """{"messages":[{"role":"user","content":"?"}]}""");
        Assert.Equal(HttpStatusCode.Conflict, answer.Status);
        Assert.StartsWith(text, answer.Text, StringComparison.Ordinal);

        _refusal = new InvalidOperationException("A secret.");
        answer = await SendAsync(app, format, """{"messages":[{"role":"user","content":"?"}]}""");
        Assert.Equal(HttpStatusCode.InternalServerError, answer.Status);
        Assert.Contains("The server failed. Its log has the reason.", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chat-completions", """{"error":{"message":""")]
    [InlineData("messages", """{"type":"error","error":{"type":"overloaded_error","message":""")]
    [InlineData("responses", """{"error":{"message":""")]
    [InlineData("ui-messages", """{"type":"error","errorText":""")]
    [InlineData("ag-ui", """{"type":"RUN_ERROR","message":""")]
    public async Task A_refusal_of_a_full_server_has_the_protocols_error(string format, string text)
    {
        await using var app = await StartAsync("--Sse:MaxConnections", "1");
        _work = stop => Task.Delay(Timeout.Infinite, stop);
        var said = format == "ui-messages" ? """ "parts":[{"type":"text","text":"?"}]""" : """ "content":"?" """;
        var body = $$"""{"threadId":"t","runId":"r","stream":true,"messages":[{"role":"user",{{said}}}],"input":"?"}""";
        using var first = new HttpRequestMessage(HttpMethod.Post, $"/{format}");
        first.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var open = await app.Client.SendAsync(first, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, open.StatusCode);

        var (status, refusal) = await SendAsync(app, format, body);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.StartsWith(text, refusal, StringComparison.Ordinal);
    }

    /// <summary>A new run would repeat the part that the client has.</summary>
    [Theory]
    [InlineData("9-3")]
    [InlineData("x")]
    public async Task A_client_that_has_a_part_of_a_run_that_is_not_there_begins_none(string id)
    {
        await using var app = await StartAsync();
        app.Client.DefaultRequestHeaders.Add("Last-Event-ID", id);
        const string Body = """{"threadId":"t","runId":"r","messages":[{"role":"user","content":"?"}]}""";
        var (status, text) = await SendAsync(app, "ag-ui", Body);
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.StartsWith("""{"type":"RUN_ERROR","message":"There is no such run.",""", text, StringComparison.Ordinal);
        Assert.False(_hasWorked);
    }

    [Fact]
    public async Task A_page_of_another_origin_starts_nothing()
    {
        await using var app = await StartAsync();
        app.Client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        var (status, _) = await SendAsync(app, "messages", """{"messages":[{"role":"user","content":"?"}]}""");
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Empty(_started);
    }

    [Fact]
    public void A_format_that_reads_no_body_cannot_begin_a_run()
    {
        foreach (var format in (RunFormat[])[RunFormat.Own, RunFormat.Responses(), RunFormat.UiMessages()])
            Assert.Throws<ArgumentException>(() => TypedResults.RunStream(_ => format, _ => null!));
    }

    private static string Describe(ChatMessage message) =>
        $"{message.Role} {string.Join(' ', message.Contents.Select(content => content switch
        {
            TextContent text => text.Text,
            FunctionResultContent result => $"{result.CallId}={result.Result}",
            DataContent data => data.MediaType,
            var other => other.GetType().Name,
        }))}";

    private static async Task<(HttpStatusCode Status, string Text)> SendAsync(SmallApp app, string format, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await app.Client.PostAsync($"/{format}", content, Stop);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    private async Task<SmallApp> StartAsync(params string[] settings) =>
        await SmallApp.StartAsync(
            app =>
                app.MapPost(
                        "/{format}",
                        (string format, IRuns runs) =>
                            TypedResults.RunStream(FormatOf(format), request => BeginAsync(request, runs))
                    )
                    .AllowAnonymous(),
            builder => builder.AddSseRuns(),
            (await Stores.Shared.CreateMigratedAsync(Stop)).ConnectionString,
            settings
        );

    private async Task<EventTopic> BeginAsync(RunRequest request, IRuns runs)
    {
        if (_refusal is not null)
            throw _refusal;

        _started.Add(request);
        EventTopic topic = $"answers.{Guid.NewGuid():N}";
        await runs.StartAsync(
            topic,
            async (run, stop) =>
            {
                _hasWorked = true;
                await run.AppendAsync(new ChatResponseUpdate(ChatRole.Assistant, "So."));
                if (_work is not null)
                    await _work(stop);
            }
        );
        return topic;
    }

    private static Func<JsonElement, RunFormat> FormatOf(string format) =>
        format switch
        {
            "chat-completions" => RunFormat.ChatCompletions,
            "messages" => RunFormat.Messages,
            "responses" => RunFormat.Responses,
            "ui-messages" => RunFormat.UiMessages,
            _ => RunFormat.AgUi,
        };
}
