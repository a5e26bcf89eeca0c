namespace Integration.Llm.Forms;

/// <summary>Events as servers send them.</summary>
internal static class ServerEvents
{
    public static string Opening => "{\\\"expression\\\":";

    public static string Done => Data("[DONE]");

    public static string Start =>
        Data(
            """{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"fake","""
                + """ "content":[],"stop_reason":null,"stop_sequence":null,"""
                + """ "usage":{"input_tokens":3,"output_tokens":1}}}"""
        );

    public static string Data(string json) => $"data: {json}\n\n";

    public static string Rest(int number) => $"\\\"{number}+{number}\\\"}}";

    public static string Sum(int number) => $$"""calculate({"expression":"{{number}}+{{number}}"})""";

    public static string Delta(string delta, string finish = "null") =>
        Data($$"""{"id":"c","model":"fake","choices":[{"index":0,"delta":{{delta}},"finish_reason":{{finish}}}]}""");

    public static string Chunk(string text, string finish = "null") => Delta($$"""{"content":"{{text}}"}""", finish);

    public static string Finish(string reason) => Delta("{}", $"\"{reason}\"");

    public static string Completion(string content, string reason) =>
        """{"id":"c","object":"chat.completion","choices":[{"index":0,"message":"""
        + $$"""{"role":"assistant","content":{{content}}},"finish_reason":"{{reason}}"}]}""";

    public static string Item(int? index, string? id, string? name, string arguments) =>
        "{"
        + (index is null ? "" : $"\"index\":{index},")
        + (id is null ? "" : $"\"id\":\"{id}\",")
        + $"\"type\":\"function\",\"function\":{{"
        + (name is null ? "" : $"\"name\":\"{name}\",")
        + $"\"arguments\":{arguments}}}}}";

    public static string Quoted(int number) => $"\"{Opening}{Rest(number)}\"";

    public static string Call(int? index, string? id, string? name, string arguments) =>
        Delta($$"""{"tool_calls":[{{Item(index, id, name, $"\"{arguments}\"")}}]}""");

    public static string More(int index, string arguments) => Call(index, null, null, arguments);

    public static string Full(int? index, string? id, int number) =>
        Call(index, id, "calculate", Opening + Rest(number));

    public static string Block(int index, string block) =>
        Data($$$"""{"type":"content_block_start","index":{{{index}}},"content_block":{{{block}}}}""");

    public static string BlockDelta(int index, string delta) =>
        Data($$$"""{"type":"content_block_delta","index":{{{index}}},"delta":{{{delta}}}}""");

    public static string Text(int index, string text) =>
        Block(index, """{"type":"text","text":""}""")
        + BlockDelta(index, $"{{\"type\":\"text_delta\",\"text\":\"{text}\"}}");

    public static string Open(int index, string id) =>
        Block(index, "{\"type\":\"tool_use\",\"id\":\"" + id + "\",\"name\":\"calculate\",\"input\":{}}");

    public static string Json(int index, string json) =>
        BlockDelta(index, "{\"type\":\"input_json_delta\",\"partial_json\":\"" + json + "\"}");

    public static string Stop(int index) => Data($$"""{"type":"content_block_stop","index":{{index}}}""");

    public static string Use(int index, string id, int number) =>
        Open(index, id) + Json(index, Opening) + Json(index, Rest(number)) + Stop(index);

    public static string End(string reason) =>
        Data(
            """{"type":"message_delta","usage":{"output_tokens":9},"""
                + $$$""" "delta":{"stop_reason":"{{{reason}}}","stop_sequence":null}}"""
        ) + Data("""{"type":"message_stop"}""");
}
