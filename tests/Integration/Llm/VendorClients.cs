using System.ClientModel;
using Anthropic;
using Harness;
using OpenAI;
using OpenAI.Chat;

namespace Integration.Llm;

/// <summary>The vendors' own clients at a replica's address, and messages that only one vendor's models take.</summary>
internal static class VendorClients
{
    public const string DocumentResult =
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":["""
            + """{"type":"text","text":"x"},{"type":"document","source":{"type":"text","data":"x"}}]}]}""",
        ImageResult =
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":["""
            + """{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}]}""",
        ImageFile = """{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file_1"}}]}""",
        FileResult =
            """{"role":"tool","tool_call_id":"t","content":["""
            + """{"type":"text","text":"x"},{"type":"file","file":{"file_id":"f"}}]}""",
        ImageUrlResult =
            """{"role":"tool","tool_call_id":"t","content":["""
            + """{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}""",
        OldCall = """{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}""",
        Spoken = """{"role":"assistant","content":null,"audio":{"id":"audio_1"}}""";

    public static ChatClient ForOpenAi(RunningService replica, string model = "demo") => ForOpenAi(replica.Url, model);

    public static ChatClient ForOpenAi(Uri server, string model = "m") =>
        new(model, new ApiKeyCredential("sk-client"), new OpenAIClientOptions { Endpoint = new Uri(server, "/v1") });

    public static AnthropicClient ForAnthropic(RunningService replica) => ForAnthropic(replica.Url);

    public static AnthropicClient ForAnthropic(Uri server) =>
        new()
        {
            ApiKey = "sk-ant-client",
            BaseUrl = server.ToString().TrimEnd('/'),
            MaxRetries = 0,
        };
}
