using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway;
using LlmGateway.Dialects.Messages;
using LlmGateway.Dialects.Responses;
using LlmGateway.Providers;
using LlmGateway.Providers.Anthropic;
using LlmGateway.Providers.OpenAi;
using LlmGateway.Requests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Unit.Llm;

/// <summary>Requests that are valid in one vendor's API are valid in the API of the provider that gets them.</summary>
public sealed class ProviderRulesTests : IAsyncDisposable
{
    private const string Chat = "chat",
        Messages = "messages",
        Responses = "responses",
        Hi = """{"role":"user","content":"hi"}""",
        Tools =
            """
                "tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]
                """,
        FlatTools = """ "tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}]""";

    private readonly WebApplication _app = Host();

    private ChatProviders Providers => _app.Services.GetRequiredService<ChatProviders>();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public void Blank_texts_do_not_reach_Anthropic()
    {
        var sent = Sent(
            Chat,
            "claude-x",
            $"{Hi},{Call("c1", "\\n\\n")},{Result("c1")},"
                + """{"role":"assistant","content":" "},{"role":"user","content":[{"type":"text","text":""},"""
                + """{"type":"text","text":"more"}]}"""
        );
        Assert.Equal(["text", "tool_use", "tool_result", "text"], Blocks(sent).Select(block => $"{block["type"]}"));
        Assert.DoesNotContain(Blocks(sent), block => block["text"] is { } text && $"{text}".Trim().Length == 0);
    }

    [Fact]
    public void Ids_of_calls_are_in_Anthropics_form_and_stay_apart()
    {
        string[] ids = ["functions.f:0", "functions_f:0", "functions_f_0", "日本", new string('x', 200), "toolu_01-A"];
        var turns = ids.Select(id => $"{Call(id)},{Result(id)}");
        var sent = Sent(Chat, "claude-x", $"{Hi},{string.Join(',', turns)}");
        var calls = Blocks(sent).Select(block => (string?)block["id"]).OfType<string>().ToList();
        var results = Blocks(sent).Select(block => (string?)block["tool_use_id"]).OfType<string>();

        Assert.Equal(calls, results);
        Assert.Equal(ids.Length, calls.Distinct().Count());
        Assert.All(calls, id => Assert.Matches(@"^[a-zA-Z0-9_-]{1,64}\z", id));
        Assert.Equal(("functions_f_0", "toolu_01-A"), (calls[2], calls[5]));
        var again = Sent(Chat, "claude-x", $"{Hi},{string.Join(',', turns)}");
        Assert.True(JsonNode.DeepEquals(sent, again));
    }

    /// <summary>Some servers number the calls of each answer, and Anthropic refuses two calls with one id.</summary>
    [Fact]
    public void An_id_that_a_later_turn_has_again_is_another_one()
    {
        var turn = $"{Call("call_0")},{Result("call_0")}";
        var sent = Sent(Chat, "claude-x", $"{Hi},{turn},{turn}");
        var calls = Blocks(sent).Select(block => (string?)block["id"]).OfType<string>().ToList();
        Assert.Equal(2, calls.Distinct().Count());
        Assert.Equal(calls, Blocks(sent).Select(block => (string?)block["tool_use_id"]).OfType<string>());
    }

    /// <summary>OpenAI refuses a longer one. Other servers keep data in ids, and need them back unchanged.</summary>
    [Fact]
    public void A_long_id_is_shortened_for_OpenAI_only()
    {
        var id = "toolu_" + new string('x', 60);
        var messages = $"{Hi},{Use(id)},{Used(id, "1")}";
        var openAi = Sent(Messages, "gpt-4o", messages)["messages"]!;
        Assert.InRange($"{openAi[1]!["tool_calls"]![0]!["id"]}".Length, 1, 40);
        Assert.Equal($"{openAi[1]!["tool_calls"]![0]!["id"]}", $"{openAi[2]!["tool_call_id"]}");
        Assert.Equal(id, $"{Sent(Messages, "llama", messages)["messages"]![1]!["tool_calls"]![0]!["id"]}");
    }

    [Theory]
    [InlineData("0.5", "0.9", "0.5", null)]
    [InlineData("0.5", "1", "0.5", null)]
    [InlineData("1.7", null, "1", null)]
    [InlineData(null, "0.9", null, "0.9")]
    [InlineData("1", "0.9", null, "0.9")]
    public void Anthropic_gets_one_of_temperature_and_top_p(
        string? temperature,
        string? topP,
        string? one,
        string? other
    )
    {
        var members =
            (temperature is null ? "" : $",\"temperature\":{temperature}") + (topP is null ? "" : $",\"top_p\":{topP}");
        var sent = Sent(Chat, "claude-x", Hi, members);
        Assert.Equal((one, other), (sent["temperature"]?.ToJsonString(), sent["top_p"]?.ToJsonString()));
    }

    [Theory]
    [InlineData(Chat, "claude-x", """{"type":"function","function":{"name":"f","parameters":{}}}""")]
    [InlineData(Chat, "claude-x", """{"type":"function","function":{"name":"f","parameters":{"title":"x"}}}""")]
    [InlineData(Chat, "claude-x", """{"type":"function","function":{"name":"f"}}""")]
    [InlineData(Messages, "gpt-4o", """{"name":"f","input_schema":{"type":"object"}}""")]
    [InlineData(Messages, "llama", """{"name":"f","input_schema":{}}""")]
    public void The_schema_of_a_tool_is_an_object_with_properties(string api, string model, string tool)
    {
        var sent = Sent(api, model, Hi, $",\"tools\":[{tool}]")["tools"]![0]!;
        var schema = sent["input_schema"] ?? sent["function"]!["parameters"]!;
        Assert.Equal(("object", "{}"), ($"{schema["type"]}", schema["properties"]!.ToJsonString()));
    }

    [Fact]
    public void Each_object_of_an_answers_schema_is_closed_for_Anthropic()
    {
        const string schema = """
            {"type":"object","properties":{"type":{"type":"array","items":{"type":"object","properties":{}}},
            "b":{"const":{"type":"object"}}}}
            """;
        var format = $$$""" ,"response_format":{"type":"json_schema","json_schema":{"schema":{{{schema}}}}}""";
        var sent = Sent(Chat, "claude-x", Hi, format)["output_config"]!["format"]!["schema"]!;
        Assert.Equal("false", sent["additionalProperties"]?.ToJsonString());
        var items = sent["properties"]!["type"]!["items"]!;
        Assert.Equal("false", items["additionalProperties"]?.ToJsonString());
        Assert.Equal("""{"const":{"type":"object"}}""", sent["properties"]!["b"]!.ToJsonString());
    }

    /// <summary>OpenAI enforces only such schemas, and Anthropic others too.</summary>
    [Theory]
    [InlineData(""","required":["a"],"additionalProperties":false""", true)]
    [InlineData(""","additionalProperties":false""", false)]
    [InlineData(""","required":["a"]""", false)]
    public void A_schema_of_Anthropics_API_is_strict_for_OpenAI_if_its_objects_have_all_members(
        string more,
        bool isStrict
    )
    {
        var schema = $$$"""{"type":"object","properties":{"a":{"type":"string"}}{{{more}}}}""";
        var format = $$$""" ,"output_config":{"format":{"type":"json_schema","schema":{{{schema}}}}}""";
        var sent = Sent(Messages, "gpt-4o", Hi, format)["response_format"]!["json_schema"]!;
        Assert.Equal(isStrict, sent["strict"]!.GetValue<bool>());
    }

    [Theory]
    [InlineData(Chat, """{"role":"system","content":"be brief"}""", "messages")]
    [InlineData(Chat, """{"role":"user","content":" "}""", "messages")]
    [InlineData(Responses, """{"role":"system","content":"be brief"}""", "input")]
    public void A_request_without_a_message_for_Anthropic_is_refused_by_the_clients_name(
        string api,
        string message,
        string name
    ) => Assert.Equal(name, Assert.Throws<InvalidChatException>(() => Sent(api, "claude-x", message)).Field);

    [Theory]
    [InlineData("\"\\n\"")]
    [InlineData("""["END"," "]""")]
    public void A_stop_at_white_space_is_refused_because_Anthropic_has_none(string stop)
    {
        var refusal = Assert.Throws<InvalidChatException>(() => Sent(Chat, "claude-x", Hi, $",\"stop\":{stop}"));
        Assert.Equal("stop", refusal.Field);
        Assert.NotNull(Sent(Chat, "demo", Hi, $",\"stop\":{stop}"));
    }

    [Fact]
    public void The_beginning_of_an_answer_that_Anthropic_continues_has_no_white_space_at_its_end()
    {
        const string first = """{"role":"assistant","content":"first \n"}""";
        var sent = Sent(Chat, "claude-x", $$"""{{Hi}},{{first}},{{Hi}},{"role":"assistant","content":"Say: \n"}""");
        Assert.Equal(["hi", "first \n", "hi", "Say:"], Blocks(sent).Select(block => $"{block["text"]}"));
    }

    /// <summary>Anthropic looks for all results at the beginning of the message after the calls.</summary>
    [Fact]
    public void The_results_of_parallel_calls_are_the_beginning_of_one_message()
    {
        var calls = """
            {"role":"assistant","content":null,"tool_calls":[
            {"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},
            {"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}
            """;
        var sent = Sent(Chat, "claude-x", $"{Hi},{calls},{Result("a")},{Hi},{Result("b")}")["messages"]!.AsArray();
        Assert.Equal(["user", "assistant", "user"], sent.Select(message => $"{message!["role"]}"));
        Assert.Equal(["a", "b", ""], sent[2]!["content"]!.AsArray().Select(block => $"{block!["tool_use_id"]}"));
    }

    [Fact]
    public void A_conversation_with_calls_has_tools_for_Anthropic_even_if_the_request_has_none()
    {
        var sent = Sent(Chat, "claude-x", $"{Hi},{Call("a")},{Result("a")}");
        Assert.Equal("f", $"{Assert.Single(sent["tools"]!.AsArray())!["name"]}");
        Assert.Equal("none", $"{sent["tool_choice"]!["type"]}");
    }

    [Fact]
    public void Arguments_that_are_no_object_reach_Anthropic_within_one()
    {
        var sent = Sent(Chat, "claude-x", $"{Hi},{Call("a", arguments: "{oops")},{Result("a")}");
        Assert.Equal(
            """{"INVALID_JSON":"{oops"}""",
            Blocks(sent).Single(b => b["input"] is not null)["input"]!.ToJsonString()
        );
    }

    [Fact]
    public void An_answer_that_was_only_thinking_is_no_message_without_content_for_OpenAI()
    {
        const string thinking =
            """{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""}]}""";
        var sent = Sent(Messages, "gpt-4o", $"{Hi},{thinking},{Hi}")["messages"]!.AsArray();
        Assert.Equal(["user", "user"], sent.Select(message => $"{message!["role"]}"));
    }

    [Fact]
    public void The_thread_that_Anthropics_tool_runner_creates_is_ignored_and_a_threads_id_is_refused()
    {
        Assert.NotNull(Sent(Messages, "gpt-4o", Hi, """ ,"thread":{"type":"create"}"""));
        // The runner then sends the whole conversation.
        var continued = """ ,"thread":{"type":"continue","previous_message_id":"msg_1"}""";
        Assert.Equal(
            "thread_not_found",
            Assert.Throws<InvalidChatException>(() => Sent(Messages, "gpt-4o", Hi, continued)).Code
        );
        foreach (var thread in (string[])["\"thread_1\"", """{"type":"continue","previous_message_id":"msg_1"}"""])
            Assert.Equal(
                "thread",
                Assert.Throws<InvalidChatException>(() => Sent(Messages, "gpt-4o", Hi, $",\"thread\":{thread}")).Field
            );
    }

    [Theory]
    [InlineData(Chat, """{"type":"allowed_tools","allowed_tools":{"mode":"MODE","tools":[NESTED]}}""")]
    [InlineData(Responses, """{"type":"allowed_tools","mode":"MODE","tools":[FLAT]}""")]
    public void Only_the_allowed_tools_reach_the_provider(string api, string choice)
    {
        choice = choice
            .Replace("NESTED", """{"type":"function","function":{"name":"g"}}""", StringComparison.Ordinal)
            .Replace("FLAT", """{"type":"function","name":"g"}""", StringComparison.Ordinal);
        foreach (var (mode, word) in (ReadOnlySpan<(string, string?)>)[("auto", null), ("required", "any")])
        {
            var asked = choice.Replace("MODE", mode, StringComparison.Ordinal);
            var sent = Sent(api, "claude-x", Hi, $",{(api == Chat ? Tools : FlatTools)},\"tool_choice\":{asked}");
            Assert.Equal("g", $"{Assert.Single(sent["tools"]!.AsArray())!["name"]}");
            Assert.Equal(word, (string?)sent["tool_choice"]?["type"]);
        }
    }

    [Theory]
    [InlineData("""{"type":"allowed_tools","mode":"auto","tools":[]}""")]
    [InlineData("""{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"unknown"}]}""")]
    [InlineData("""{"type":"allowed_tools","mode":"sometimes","tools":[{"type":"function","name":"f"}]}""")]
    public void Allowed_tools_that_the_request_does_not_have_are_refused(string choice) =>
        Assert.Equal(
            "tool_choice",
            Assert
                .Throws<InvalidChatException>(() =>
                    Sent(Responses, "llama", Hi, $",{FlatTools},\"tool_choice\":{choice}")
                )
                .Field
        );

    [Theory]
    [InlineData(Chat)]
    [InlineData(Responses)]
    public void A_provider_object_is_for_the_provider_and_a_text_for_the_gateway(string api)
    {
        const string routing = """{"order":["x"]}""";
        Assert.Equal(routing, Sent(api, "llama", Hi, $",\"provider\":{routing}")["provider"]!.ToJsonString());
        Assert.Null(Sent(api, "llama", Hi, ",\"provider\":\"local\"")["provider"]);

        // It may forbid providers that keep the prompts.
        foreach (var model in (string[])["claude-x", "demo"])
            Assert.Equal(
                "provider",
                Assert.Throws<InvalidChatException>(() => Sent(api, model, Hi, $",\"provider\":{routing}")).Field
            );
    }

    [Fact]
    public void Hints_for_the_cache_are_accepted() =>
        Assert.NotNull(Sent(Responses, "llama", Hi, """ ,"prompt_cache_options":{"ttl":"1h"},"later_member":null"""));

    /// <summary>Returns the body that the provider gets.</summary>
    private JsonObject Sent(string api, string model, string messages, string members = "")
    {
        var list = api == Responses ? "input" : "messages";
        var limit = api == Messages ? ",\"max_tokens\":9" : "";
        var json = $$"""{"model":"{{model}}","{{list}}":[{{messages}}]{{limit}}{{members}}}""";
        var body = new RequestValue(JsonElement.Parse(json));
        var call = api switch
        {
            Messages => MessagesRequestReader.Read(body, Providers, beta: null),
            Responses => ResponsesRequestReader
                .Read(body, new ResponsesPast([], null, new Dictionary<string, JsonElement>(), 0), Providers)
                .Call,
            _ => ChatCall.Read(body, Providers, RequestTable.NativeChatCompletions, needsModel: true),
        };
        return call.Target.Provider == "anthropic"
            ? AnthropicRequest.Body(call.Messages, call.Options)
            : OpenAiRequest.Body(call.Messages, call.Options, isOpenAi: call.Target.Provider == "openai");
    }

    private static List<JsonNode> Blocks(JsonObject sent) =>
        [.. sent["messages"]!.AsArray().SelectMany(message => message!["content"]!.AsArray()).OfType<JsonNode>()];

    private static string Call(string id, string? text = null, string arguments = "{}") =>
        $$$"""
            {"role":"assistant","content":{{{(text is null ? "null" : $"\"{text}\"")}}},"tool_calls":[
            {"id":"{{{id}}}","type":"function","function":{"name":"f","arguments":"{{{arguments}}}"}}]}
            """;

    private static string Result(string id) => $$"""{"role":"tool","tool_call_id":"{{id}}","content":"done"}""";

    private static string Use(string id) =>
        $$$"""{"role":"assistant","content":[{"type":"tool_use","id":"{{{id}}}","name":"f","input":{}}]}""";

    private static string Used(string id, string result) =>
        $$"""{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{id}}","content":"{{result}}"}]}""";

    internal static WebApplication Host()
    {
        var builder = WebApplication.CreateSlimBuilder([
            "--AspireSse:Llm:Providers:OpenAi:ApiKey=k",
            "--AspireSse:Llm:Providers:Anthropic:ApiKey=k",
            "--AspireSse:Llm:Providers:Local:BaseUrl=http://localhost/v1",
        ]);
        builder.Services.AddOptions<LlmOptions>().BindConfiguration("AspireSse:Llm");
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddProviders();
        return builder.Build();
    }
}
