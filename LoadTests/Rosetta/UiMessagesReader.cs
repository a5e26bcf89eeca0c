using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LoadTests.Rosetta;

/// <summary>AI SDK's UI message stream, which begins anew at each return.</summary>
internal sealed class UiMessagesReader(string id) : WireReader(id)
{
    public override HttpRequestMessage Next(Uri replica)
    {
        Clear();
        return new(HttpMethod.Get, new Uri(replica, $"/v1/generations/{Id}/stream?format=ui-messages"));
    }

    public override void Add(SseItem<string> frame)
    {
        if (frame.Data == "[DONE]")
            return;

        var data = JsonElement.Parse(frame.Data);
        switch (data.GetProperty("type").GetString())
        {
            case "text-delta":
                Text.Append(data.GetProperty("delta").GetString());
                break;
            case "tool-input-available":
                Calls[data.GetProperty("toolCallId").GetString()!] = (
                    data.GetProperty("toolName").GetString()!,
                    new StringBuilder(data.GetProperty("input").GetRawText())
                );
                break;
            case "finish":
                Usage = Tokens(data.GetProperty("messageMetadata").GetProperty("usage"), "inputTokens", "outputTokens");
                HasEnded = true;
                break;
            case "error":
                throw Failed(frame.Data);
        }
    }
}
