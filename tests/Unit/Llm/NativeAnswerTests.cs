using System.Text.Json.Nodes;
using static Unit.Llm.ProviderAnswers;

namespace Unit.Llm;

/// <summary>Answers for clients of the provider's own API, in the form of that API.</summary>
public sealed class NativeAnswerTests
{
    [Theory]
    [InlineData("""{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}""", "function", "{}")]
    [InlineData("""{"name":"f","arguments":{"x":1}}""", "function", "{\"x\":1}")]
    [InlineData(
        """{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra":7}""",
        "function",
        "{}"
    )]
    [InlineData("""{"id":"a","custom":{"name":"f","input":"go"}}""", "custom", "go")]
    public async Task A_call_has_the_members_that_OpenAIs_clients_require(string call, string type, string arguments)
    {
        var read = await ReadAsync(
            [$$$"""{"choices":[{"delta":{"tool_calls":[{{{call}}}]}}]}""", Stop],
            isNative: true
        );
        var shown = Assert.Single(read.Whole.Message()["tool_calls"]!.AsArray())!;
        Assert.Equal((type, "f"), ($"{shown["type"]}", $"{shown[type]!["name"]}"));
        Assert.Equal(arguments, $"{shown[type]!["arguments"] ?? shown[type]!["input"]}");
        Assert.NotEmpty($"{shown["id"]}");
        Assert.Equal(call.Contains("extra", StringComparison.Ordinal) ? "7" : "", $"{shown["extra"]}");
    }

    [Fact]
    public async Task Blocks_have_the_members_that_Anthropics_clients_require()
    {
        var read = await ReadAsync(
            [
                Begin,
                """{"type":"content_block_start","index":0,"content_block":{"type":"thinking","new":1}}""",
                """{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}""",
                """{"type":"content_block_stop","index":0}""",
                """{"type":"content_block_start","index":1,"content_block":{"text":""}}""",
                """{"type":"content_block_delta","index":1,"delta":{"text":"Hello"}}""",
                """{"type":"content_block_stop","index":1}""",
                """{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"a","name":"f","""
                    + """ "input":{"x":1}}}""",
                """{"type":"message_delta","delta":{"stop_reason":"stop"}}""",
            ],
            isOpenAi: false,
            isNative: true
        );
        Assert.Null(read.Failure);
        var blocks = read.Whole["content"]!.AsArray();
        Assert.Equal(
            """{"type":"thinking","new":1,"thinking":"hm","signature":""}""",
            Sorted(blocks[0]!, "type", "new", "thinking", "signature")
        );
        Assert.Equal("""{"type":"text","text":"Hello"}""", Sorted(blocks[1]!, "type", "text"));
        Assert.Equal("tool_use", $"{read.Whole["stop_reason"]}");
    }

    [Theory]
    [InlineData(""","index":0""", ""","index":0""", true)]
    [InlineData(""","index":0""", ""","index":0""", false)]
    [InlineData(""","index":4""", ""","index":7""", true)]
    [InlineData("", "", true)]
    [InlineData("", "", false)]
    public async Task Each_block_has_a_number_of_its_own_a_beginning_and_an_end(
        string first,
        string second,
        bool hasStops
    )
    {
        string[] Block(string index, string block, string delta) =>
            [
                $$$"""{"type":"content_block_start"{{{index}}},"content_block":{{{block}}}}""",
                $$$"""{"type":"content_block_delta"{{{index}}},"delta":{{{delta}}}}""",
                .. hasStops ? [$$"""{"type":"content_block_stop"{{index}}}"""] : (string[])[],
            ];
        string[] events =
        [
            Begin,
            .. Block(first, """{"type":"text","text":""}""", """{"type":"text_delta","text":"Hello"}"""),
            .. Block(
                second,
                """{"type":"tool_use","id":"c","name":"f"}""",
                """{"type":"input_json_delta","partial_json":"{\"x\":1}"}"""
            ),
            """{"type":"message_delta","delta":{"stop_reason":"tool_use"}}""",
        ];
        var native = await ReadAsync(events, isOpenAi: false, isNative: true);
        Assert.Equal(
            ["start 0", "delta 0", "stop 0", "start 1", "delta 1", "stop 1", "message_delta "],
            FramesOf(native)
        );
        Assert.Equal("Hello", $"{native.Whole["content"]![0]!["text"]}");
        Assert.Equal("""{"x":1}""", native.Whole["content"]![1]!["input"]!.ToJsonString());

        var read = await ReadAsync(events, isOpenAi: false);
        Assert.Equal(("Hello", "f({\"x\":1})"), (Said(read).Text, Calls(read)));
    }

    [Fact]
    public async Task A_delta_without_a_block_begins_one_and_an_end_without_a_block_is_none()
    {
        var native = await ReadAsync(
            [
                Begin,
                """{"type":"content_block_stop","index":3}""",
                """{"type":"content_block_delta","index":3,"delta":{"type":"thinking_delta","thinking":"hm"}}""",
                """{"type":"content_block_stop","index":3}""",
                """{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"Hello"}}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
            ],
            isOpenAi: false,
            isNative: true
        );
        Assert.Equal(
            ["start 0", "delta 0", "stop 0", "start 1", "delta 1", "stop 1", "message_delta "],
            FramesOf(native)
        );
        Assert.Equal(["thinking", "text"], native.Whole["content"]!.AsArray().Select(block => $"{block!["type"]}"));
    }

    private static IEnumerable<string> FramesOf(Answer answer) =>
        answer
            .Updates.Select(update => update.RawRepresentation)
            .OfType<JsonObject>()
            .Select(frame =>
                $"{frame["type"]} {frame["index"]}".Replace("content_block_", "", StringComparison.Ordinal)
            );

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_its_provider_begins_anew_is_read_anew_if_nothing_was_shown(bool isShown)
    {
        string[] Answer(string id, string text) =>
            [
                Begin.Replace("m1", id, StringComparison.Ordinal),
                $$$"""{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"{{{text}}}"}}""",
            ];
        string[] events =
        [
            .. isShown ? Answer("m1", "Hel") : [Begin],
            .. Answer("m2", "Hello"),
            """{"type":"content_block_stop","index":0}""",
            """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
        ];
        foreach (var isNative in (bool[])[false, true])
        {
            var read = await ReadAsync(events, isOpenAi: false, isNative);
            Assert.Equal(isShown, read.Failure is not null);
            if (!isShown)
                Assert.Equal(("Hello", "stop"), Said(read));
        }
    }

    [Fact]
    public async Task A_call_of_an_answer_that_was_begun_anew_is_nobodys()
    {
        var read = await ReadAsync(
            [
                Begin,
                """{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"f"}}""",
                Begin.Replace("m1", "m2", StringComparison.Ordinal),
                """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hello"}}""",
                """{"type":"message_delta","delta":{"stop_reason":"end_turn"}}""",
            ],
            isOpenAi: false
        );
        Assert.Equal((("Hello", "stop"), ""), (Said(read), Calls(read)));
    }

    [Theory]
    [InlineData("""{"id":"a","index":0,"function":{"name":"f","arguments":"{\"x\":"}}""")]
    [InlineData("""{"id":"a","index":0,"function":{"arguments":"{\"x\":"}}""")]
    [InlineData("""{"index":0,"function":{"arguments":"{\"x\":"}}""")]
    public async Task Arguments_after_a_placeholder_under_the_same_id_are_those_of_one_call(string second)
    {
        string[] events =
        [
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","""
                + """ "function":{"name":"f","arguments":"{}"}}]}}]}""",
            $$$"""{"choices":[{"delta":{"tool_calls":[{{{second}}}]}}]}""",
            """{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}""",
            Stop,
        ];
        foreach (var isNative in (bool[])[false, true])
        {
            var read = await ReadAsync(events, isNative: isNative);
            Assert.Equal("f({\"x\":1})", Calls(read));
            if (isNative)
                Assert.Equal(
                    "{\"x\":1}",
                    $"{Assert.Single(read.Whole.Message()["tool_calls"]!.AsArray())!["function"]!["arguments"]}"
                );
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_placeholder_that_nothing_replaces_are_the_arguments(bool hasReason)
    {
        const string Call =
            """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}}]}""";
        var read = await ReadAsync([Call, hasReason ? Stop : "[DONE]"], isNative: true);
        Assert.Equal("f({})", Calls(read));
        Assert.Equal("{}", $"{read.Whole.Message()["tool_calls"]![0]!["function"]!["arguments"]}");
    }
}
