using static Integration.Llm.Forms.ServerEvents;

namespace Integration.Llm.Forms;

/// <summary>Answers of servers with the API of Anthropic.</summary>
internal static class AnthropicForms
{
    /// <summary>Answers of servers with Anthropic's API.</summary>
    public static IEnumerable<Form> OfAnthropic =>
        [
            Anthropic(
                "text, and two calls",
                Start + Text(0, "Well.") + Stop(0) + Use(1, "a", 1) + Use(2, "b", 2) + End("tool_use"),
                "Well.|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            Anthropic(
                "two blocks open at once",
                Start
                    + Open(0, "a")
                    + Open(1, "b")
                    + Json(0, Opening)
                    + Json(1, Opening)
                    + Json(1, Rest(2))
                    + Json(0, Rest(1))
                    + Stop(0)
                    + Stop(1)
                    + End("tool_use"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            Anthropic(
                "two calls without ids",
                Start + Use(0, "", 1) + Use(1, "", 2) + End("tool_use"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            Anthropic(
                "two calls of the same id",
                Start + Use(0, "a", 1) + Use(1, "a", 2) + End("tool_use"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            Anthropic(
                "thinking",
                Start
                    + Block(0, """{"type":"thinking","thinking":"","signature":""}""")
                    + BlockDelta(0, """{"type":"thinking_delta","thinking":"hm"}""")
                    + Stop(0)
                    + Text(1, "Hello")
                    + Stop(1)
                    + End("end_turn"),
                "<hm>Hello||stop"
            ),
            Anthropic(
                "ping",
                Start + Data("""{"type":"ping"}""") + Text(0, "Hello") + Stop(0) + End("stop_sequence"),
                "Hello||stop"
            ),
            Anthropic(
                "an unknown event",
                Start + Data("""{"type":"news"}""") + Text(0, "Hello") + Stop(0) + End("max_tokens"),
                "Hello||length"
            ),
            Anthropic("a refusal", Start + Text(0, "No.") + Stop(0) + End("refusal"), "No.||content_filter"),
            Anthropic(
                "no reason",
                Start + Text(0, "Hello") + Stop(0) + Data("""{"type":"message_stop"}"""),
                "Hello||stop"
            ),
            Anthropic("no end", Start + Text(0, "half"), "half||upstream"),
            Anthropic("an end only", Start + Data("""{"type":"message_stop"}"""), "||upstream"),
            Anthropic("an unknown reason", Start + Text(0, "half") + Stop(0) + End("exploded"), "half||upstream"),
            Anthropic(
                "an input in the first event",
                Start
                    + Block(0, """{"type":"tool_use","id":"a","name":"calculate","input":{"expression":"1+1"}}""")
                    + Stop(0)
                    + End("tool_use"),
                "|" + Sum(1) + "|tool_calls"
            ),
            Anthropic(
                "no input",
                Start + Block(0, """{"type":"tool_use","id":"a","name":"calculate"}""") + Stop(0) + End("tool_use"),
                "||upstream"
            ),
            Anthropic(
                "a search of its own",
                Start
                    + Block(0, """{"type":"server_tool_use","id":"s","name":"web_search","input":{}}""")
                    + Json(0, """{\"query\":""")
                    + Json(0, """\"x\"}""")
                    + Stop(0)
                    + Block(1, """{"type":"web_search_tool_result","tool_use_id":"s","content":[{"url":"x"}]}""")
                    + Stop(1)
                    + Text(2, "Hello")
                    + Stop(2)
                    + End("end_turn"),
                "Hello||stop"
            ),
            Anthropic(
                "a call after a search of its own",
                Start
                    + Block(0, """{"type":"server_tool_use","id":"s","name":"web_search","input":{}}""")
                    + Json(0, "{}")
                    + Stop(0)
                    + Use(1, "a", 1)
                    + End("tool_use"),
                "|" + Sum(1) + "|tool_calls"
            ),
            Anthropic(
                "an unknown block with an input",
                Start
                    + Text(0, "half")
                    + Stop(0)
                    + Block(1, """{"type":"call","id":"a","name":"calculate"}""")
                    + Json(1, "{}")
                    + Stop(1)
                    + End("tool_use"),
                "half||upstream"
            ),
            Anthropic("an input that is cut", Start + Open(0, "a") + End("tool_use"), "||upstream"),
            Anthropic(
                "overloaded",
                Start
                    + Text(0, "half")
                    + "event: error\n"
                    + Data("""{"type":"error","error":{"type":"overloaded_error","message":"bad"}}"""),
                "half||overloaded"
            ),
            Anthropic(
                "overloaded, without a name",
                Start
                    + Text(0, "half")
                    + Data("""{"type":"error","error":{"type":"overloaded_error","message":"bad"}}"""),
                "half||overloaded"
            ),
            Anthropic(
                "a named event",
                Start + Text(0, "half") + "event: error\n" + Data("""{"message":"bad"}"""),
                "half||upstream"
            ),
            Anthropic(
                "a text",
                Start + Text(0, "half") + Data("""{"error":"out of memory"}""") + Data("""{"type":"message_stop"}"""),
                "half||upstream"
            ),
            Anthropic(
                "a whole answer of text",
                """{"type":"message","content":"Hello","stop_reason":"end_turn","usage":{"input_tokens":3}}""",
                "Hello||stop"
            ),
            Anthropic(
                "a whole answer",
                """{"type":"message","id":"m","model":"fake","content":[{"type":"text","text":"Well."},"""
                    + """{"type":"tool_use","id":"a","name":"calculate","input":{"expression":"1+1"}}],"""
                    + """ "stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":4}}""",
                "Well.|" + Sum(1) + "|tool_calls"
            ),
        ];

    private static Form Anthropic(string name, string body, string shown) =>
        new(name, body, shown, IsAnthropic: true, body[0] == '{' ? Form.Whole : "text/event-stream");
}
