using static Integration.Llm.Forms.ServerEvents;

namespace Integration.Llm.Forms;

/// <summary>Tool calls of servers with the API of OpenAI.</summary>
internal static class CallForms
{
    /// <summary>Calls of servers with OpenAI's API.</summary>
    public static IEnumerable<Form> OfCalls =>
        [
            new(
                "one",
                Call(0, "a", "calculate", "")
                    + More(0, "{\\\"expression\\\":")
                    + More(0, "\\\"1+1\\\"}")
                    + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new("one, and the reason stop", "" + Full(0, "a", 1) + Finish("stop"), "|" + Sum(1) + "|tool_calls"),
            new("one, and [DONE] only", Chunk("Well.") + Full(0, "a", 1) + Done, "Well.|" + Sum(1) + "|tool_calls"),
            new(
                "two, numbered",
                Full(0, "a", 1) + Full(1, "b", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, all numbered 0",
                Full(0, "a", 1) + Full(0, "b", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, all numbered 0, in pieces",
                Call(0, "a", "calculate", "")
                    + More(0, Opening)
                    + More(0, Rest(1))
                    + Call(0, "b", "calculate", "")
                    + More(0, Opening)
                    + More(0, Rest(2))
                    + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, interlaced",
                Call(0, "a", "calculate", Opening)
                    + Call(1, "b", "calculate", Opening)
                    + More(0, Rest(1))
                    + More(1, Rest(2))
                    + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, interlaced, all numbered 0 with ids",
                Call(0, "a", "calculate", Opening)
                    + Call(0, "b", "calculate", Opening)
                    + Call(0, "a", null, Rest(1))
                    + Call(0, "b", null, Rest(2))
                    + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, no numbers",
                Full(null, "a", 1) + Full(null, "b", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, no numbers and no ids",
                Full(null, null, 1) + Full(null, null, 2) + Finish("stop"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two in one delta, no numbers",
                Delta(
                    "{\"tool_calls\":["
                        + Item(null, "a", "calculate", Quoted(1))
                        + ","
                        + Item(null, "b", "calculate", Quoted(2))
                        + "]}"
                ) + Finish("stop"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, empty ids",
                Full(0, "", 1) + Full(1, "", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, empty ids, all numbered 0",
                Full(0, "", 1) + Full(0, "", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "two, the same id",
                Full(0, "a", 1) + Full(1, "a", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "an empty id in later deltas",
                Call(0, "a", "calculate", Opening) + Call(0, "", "", Rest(1)) + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "name and id in each delta",
                Call(0, "a", "calculate", Opening)
                    + Call(0, "a", "calculate", Rest(1))
                    + Call(0, "a", "calculate", "")
                    + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "the whole call again at the end",
                Full(0, "a", 1) + Full(0, "a", 1) + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "the whole call again at the end, written otherwise",
                Full(0, "a", 1)
                    + Call(0, "a", "calculate", "{ \\\"expression\\\": \\\"1+1\\\" }")
                    + Finish("TOOL_CALLS"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "two, the same id, no numbers",
                Full(null, "a", 1) + Full(null, "a", 2) + Finish("tool_calls"),
                "|" + Sum(1) + Sum(2) + "|tool_calls"
            ),
            new(
                "arguments as an object",
                Delta("{\"tool_calls\":[" + Item(0, "a", "calculate", """{"expression":"1+1"}""") + "]}")
                    + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "flat",
                Delta("""{"tool_calls":[{"name":"calculate","arguments":{"expression":"1+1"}}]}""")
                    + Finish("tool_calls"),
                "|" + Sum(1) + "|tool_calls"
            ),
            new(
                "a whole answer of calls",
                """{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":["""
                    + Item(null, "a", "calculate", "\"" + Opening + Rest(1) + "\"")
                    + ","
                    + Item(null, "b", "calculate", "\"" + Opening + Rest(2) + "\"")
                    + """]},"finish_reason":"tool_calls"}]}""",
                "|" + Sum(1) + Sum(2) + "|tool_calls",
                ContentType: Form.Whole
            ),
            new(
                "no arguments",
                Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"calculate"}}]}""")
                    + Finish("tool_calls"),
                "||upstream"
            ),
            new(
                "null as arguments",
                Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"calculate","arguments":null}}]}""")
                    + Finish("tool_calls"),
                "||upstream"
            ),
            new(
                "a delta of no call",
                Chunk("half") + More(0, Opening + Rest(1)) + Finish("tool_calls"),
                "half||upstream"
            ),
            new("empty arguments", Call(0, "a", "calculate", "") + Finish("tool_calls") + Done, "||upstream"),
            new(
                "no name",
                Delta("""{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}""") + Finish("tool_calls"),
                "||upstream"
            ),
            new("calls that are no list", Delta("""{"tool_calls":{"0":{}}}""") + Finish("tool_calls"), "||upstream"),
            new("text, the reason of calls, and none", Chunk("half") + Finish("tool_calls") + Done, "half||upstream"),
            new("the reason of calls, and none", Finish("tool_calls") + Done, "||upstream"),
        ];
}
