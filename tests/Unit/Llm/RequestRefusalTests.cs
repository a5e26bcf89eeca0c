using System.Text.Json;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using LlmGateway.Dialects.UiMessages;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Unit.Llm;

/// <summary>Parts of a request that the model would not get, in any dialect: none is dropped without a word.</summary>
public sealed class RequestRefusalTests : IAsyncDisposable
{
    private const string Chat = "chat",
        Messages = "messages",
        Responses = "responses",
        Ui = "ui",
        AgUi = "ag-ui",
        Hi = """{"role":"user","content":"hi"}""",
        ImageUrl = """{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}""",
        InputImage = """{"type":"input_image","image_url":"data:image/png;base64,AAAA"}""",
        Base64 = """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}""",
        Data = """{"type":"image","source":{"type":"data","mimeType":"image/png","value":"AAAA"}}""",
        Denied = """ "type":"tool-pay","toolCallId":"c1","input":{} """;

    private readonly WebApplication _app = ProviderRulesTests.Host();

    private ChatProviders Providers => _app.Services.GetRequiredService<ChatProviders>();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>An empty object asks for nothing if it is a list of entries, and else switches something on.</summary>
    [Theory]
    [InlineData(Chat, "\"web_search_options\":{}", "web_search_options")]
    [InlineData(Chat, "\"audio\":{}", "audio")]
    [InlineData(Chat, "\"logit_bias\":{}", null)]
    [InlineData(Messages, "\"container\":{}", "container")]
    [InlineData(Messages, "\"context_management\":{}", null)]
    [InlineData(Responses, "\"prompt\":{}", "prompt")]
    [InlineData(AgUi, "\"state\":{}", null)]
    public void An_empty_object_is_a_wish_unless_it_is_a_list_of_entries(string api, string member, string? refused) =>
        Assert.Equal(refused, RefusedIn(api, member));

    [Theory]
    [InlineData(Chat, "\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData(Chat, """ "tool_choice":{"type":"function","function":{"name":"f"}}""", "tool_choice")]
    [InlineData(
        Chat,
        """ "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"function":{"name":"g"}}""",
        "tool_choice"
    )]
    [InlineData(Messages, """ "tool_choice":{"type":"any"}""", "tool_choice")]
    [InlineData(Messages, """ "tools":[{"name":"f"}],"tool_choice":{"type":"tool","name":"g"}""", "tool_choice")]
    [InlineData(Messages, """ "tools":[{"name":"f"}],"tool_choice":{"type":"tool","name":"f"}""", null)]
    [InlineData(Responses, "\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData(Responses, """ "tool_choice":{"type":"function","name":"f"}""", "tool_choice")]
    [InlineData(Ui, "\"tool_choice\":\"required\"", "tool_choice")]
    [InlineData(AgUi, """ "forwardedProps":{"tool_choice":"required"}""", "tool_choice")]
    [InlineData(AgUi, """ "tools":[{"name":"f"}],"forwardedProps":{"tool_choice":"required"}""", null)]
    [InlineData(Chat, "\"tool_choice\":\"auto\"", null)]
    [InlineData(Chat, "\"tool_choice\":\"none\"", null)]
    public void A_choice_has_to_be_of_the_tools_that_the_request_has(string api, string members, string? refused) =>
        Assert.Equal(refused, RefusedIn(api, members));

    [Theory]
    [InlineData(Chat, ImageUrl, "messages[1].content[0].type")]
    [InlineData(Messages, Base64, "messages.1.content.0.type")]
    [InlineData(Responses, InputImage, "input[1].content[0].type")]
    [InlineData(AgUi, Data, "messages[1].content[0].type")]
    public void An_image_of_the_assistant_is_refused_because_no_vendor_takes_it(string api, string part, string path)
    {
        Assert.Equal(path, RefusedOf(api, $$"""{"role":"assistant","content":[{{part}}]}"""));
        Assert.Null(RefusedOf(api, $$"""{"role":"user","content":[{{part}}]}"""));
    }

    /// <summary>The gateway has shown it to the page, which sends it back each time.</summary>
    [Fact]
    public void An_image_that_a_page_was_shown_is_told_to_the_model()
    {
        const string file = """{"type":"file","mediaType":"image/png","url":"https://example.com/a.png"}""";
        var messages = Read(Ui, $$"""{"role":"assistant","parts":[{{file}}]}""").Messages;
        Assert.Equal("[A file (image/*): https://example.com/a.png]", messages[1].Text);
        Assert.All(messages[1].Contents, content => Assert.IsType<TextContent>(content));
    }

    [Theory]
    [InlineData(Chat, """{"role":"user","content":"x","nam":"ann"}""", "messages[1].nam")]
    [InlineData(
        Chat,
        """{"role":"user","content":[{"type":"text","text":"x","txt":"y"}]}""",
        "messages[1].content[0].txt"
    )]
    [InlineData(
        Chat,
        """{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/a.png","detial":"low"}}]}""",
        "messages[1].content[0].image_url.detial"
    )]
    [InlineData(Messages, """{"role":"user","content":"x","name":"ann"}""", "messages.1.name")]
    [InlineData(
        Messages,
        """{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"x":1},"arguments":1}]}""",
        "messages.1.content.0.arguments"
    )]
    [InlineData(Responses, """{"type":"message","role":"user","content":"x","nam":"ann"}""", "input[1].nam")]
    [InlineData(
        Responses,
        """{"type":"function_call","call_id":"a","name":"f","arguments":"{}","input":1}""",
        "input[1].input"
    )]
    [InlineData(
        Responses,
        """{"role":"user","content":[{"type":"input_text","text":"x","txt":"y"}]}""",
        "input[1].content[0].txt"
    )]
    public void An_unknown_member_of_a_message_is_refused_as_one_of_the_request_is(
        string api,
        string message,
        string path
    ) => Assert.Equal(path, RefusedOf(api, message));

    [Theory]
    [InlineData(
        Chat,
        """ "tools":[{"type":"function","function":{"name":"f","paramters":{}}}]""",
        "tools[0].function.paramters"
    )]
    [InlineData(
        Chat,
        """ "tools":[{"type":"function","functions":{},"function":{"name":"f"}}]""",
        "tools[0].functions"
    )]
    [InlineData(Chat, """ "tools":[{"type":"function","function":{"name":"f","strict":true}}]""", null)]
    [InlineData(Messages, """ "tools":[{"name":"f","parameters":{}}]""", "tools.0.parameters")]
    [InlineData(Messages, """ "tools":[{"type":"custom","name":"f","schema":{}}]""", "tools.0.schema")]
    [InlineData(Messages, """ "tools":[{"name":"f","input_schema":{"any":{}},"cache_control":{}}]""", null)]
    [InlineData(Responses, """ "tools":[{"type":"function","name":"f","input_schema":{}}]""", "tools[0].input_schema")]
    [InlineData(Responses, """ "tools":[{"type":"function","name":"f","strict":true}]""", null)]
    [InlineData(
        Ui,
        """ "tools":[{"type":"function","function":{"name":"f","schema":{}}}]""",
        "tools[0].function.schema"
    )]
    [InlineData(AgUi, """ "tools":[{"name":"f","inputSchema":{}}]""", "tools[0].inputSchema")]
    [InlineData(AgUi, """ "tools":[{"name":"f","description":"d","metadata":{"a":1}}]""", null)]
    public void An_unknown_member_of_a_tool_is_refused(string api, string members, string? refused) =>
        Assert.Equal(refused, RefusedIn(api, members));

    /// <summary>As the vendors' newest clients send answers back.</summary>
    [Theory]
    [InlineData(
        Chat,
        """
            {"role":"assistant","content":"a","refusal":null,"annotations":[],"audio":null,"reasoning_content":"r",
            "tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":"{}"},
            "extra_content":{"google":{"thought_signature":"s"}}}]},
            {"role":"tool","tool_call_id":"c","name":"f","content":[{"type":"text","text":"x","cache_control":{}}]}
            """
    )]
    [InlineData(
        Messages,
        """
            {"id":"msg_1","type":"message","model":"m","stop_reason":"tool_use","stop_sequence":null,"usage":{"a":1},
            "role":"assistant","content":[{"type":"text","text":"a","citations":null},
            {"type":"tool_use","id":"c","name":"f","input":{"any":{"thing":1}},"caller":{"type":"direct"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"x","is_error":false,
            "cache_control":{"type":"ephemeral","ttl":"5m"}}]}
            """
    )]
    [InlineData(
        Responses,
        """
            {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":[],
            "encrypted_content":null,"status":"completed"},
            {"id":"msg_1","type":"message","status":"completed","role":"assistant","phase":"final_answer",
            "content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation"}],"logprobs":[]}]},
            {"id":"fc_1","type":"function_call","status":"completed","call_id":"c","name":"f","arguments":"{}",
            "parsed_arguments":{"x":1}},
            {"id":"o","type":"function_call_output","status":"completed","call_id":"c","output":"x"},
            {"role":"user","content":[{"type":"input_image","image_url":"https://x/a","file_id":null,"detail":"low"}]}
            """
    )]
    public void Members_that_answers_have_are_known_in_messages(string api, string messages) =>
        Assert.Null(RefusedOf(api, messages));

    [Theory]
    [InlineData(Chat, "user", "messages[1].content")]
    [InlineData(Messages, "user", "messages.1.content")]
    [InlineData(Messages, "assistant", "messages.1.content")]
    [InlineData(Responses, "user", "input[1].content")]
    [InlineData(AgUi, "user", "messages[1].content")]
    public void A_message_without_any_part_is_refused(string api, string role, string path) =>
        Assert.Equal(path, RefusedOf(api, $$"""{"role":"{{role}}","content":[]}"""));

    [Theory]
    [InlineData(Chat, "user")]
    [InlineData(Chat, "assistant")]
    [InlineData(Messages, "user")]
    [InlineData(Responses, "assistant")]
    [InlineData(AgUi, "user")]
    public void A_part_of_reasoning_never_becomes_text(string api, string role) =>
        Assert.NotNull(RefusedOf(api, $$"""{"role":"{{role}}","content":[{"type":"reasoning","text":"hm"}]}"""));

    /// <summary>A page says it by <c>addToolApprovalResponse({id, approved: false, reason})</c>.</summary>
    [Theory]
    [InlineData("output-denied", "")]
    [InlineData("output-denied", "Too much.")]
    [InlineData("approval-responded", "Too much.")]
    public void The_reason_of_a_user_who_denies_a_call_reaches_the_model(string state, string reason)
    {
        var approval = $$"""{"id":"a1","approved":false,"reason":"{{reason}}"}""";
        var part = $$"""{{{Denied}},"state":"{{state}}","approval":{{approval}}}""";
        var messages = Read(Ui, $$"""{"role":"assistant","parts":[{{part}}]}""").Messages;
        Assert.Equal(
            $"Error: The user has denied this call{(reason.Length > 0 ? ": Too much." : ".")}",
            Assert.IsType<FunctionResultContent>(Assert.Single(messages[^1].Contents)).Result
        );
    }

    [Fact]
    public void A_refusal_that_a_client_sends_back_stays_one()
    {
        var body = """{"role":"assistant","content":null,"refusal":"I am sorry."}""";
        var message = RequestReader.Message(new RequestValue(JsonElement.Parse(body)), RequestTable.ChatCompletions)!;
        var refusal = Assert.IsType<TextContent>(Assert.Single(message.Contents));
        Assert.Equal(("I am sorry.", true), (refusal.Text, refusal.IsRefusal()));
    }

    private string? RefusedIn(string api, string members) => Refused(() => Read(api, null, members));

    private string? RefusedOf(string api, string messages) => Refused(() => Read(api, messages));

    /// <summary>Returns the member that is refused, or null if none is.</summary>
    private static string? Refused(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (InvalidRequestException e)
        {
            return e.Field;
        }
    }

    /// <summary>Reads a request for the model of another vendor.</summary>
    private ChatCall Read(string api, string? messages, string members = "\"stream\":false")
    {
        var list = api == Responses ? "input" : "messages";
        var first = api == Ui ? """{"role":"user","parts":[{"type":"text","text":"hi"}]}""" : Hi;
        var needed = api switch
        {
            Messages => "\"max_tokens\":9,",
            Ui => "\"id\":\"chat\",",
            AgUi => "\"threadId\":\"t\",\"runId\":\"r\",",
            _ => "",
        };
        var all = messages is null ? first : $"{first},{messages}";
        var json = $$"""{"model":"demo",{{needed}}"{{list}}":[{{all}}],{{members}}}""";
        var body = new RequestValue(JsonElement.Parse(json));
        return api switch
        {
            Messages => MessagesRequestReader.Read(body, Providers, beta: null),
            Responses => ResponsesRequestReader
                .Read(body, new ResponsesPast([], null, new Dictionary<string, JsonElement>(), 0), Providers)
                .Call,
            Ui => UiMessagesRequestReader.Read(body, Providers).Call,
            AgUi => AgUiRequestReader.Read(body, Providers).Call,
            _ => ChatCall.Read(body, Providers, RequestTable.NativeChatCompletions, needsModel: true),
        };
    }
}
