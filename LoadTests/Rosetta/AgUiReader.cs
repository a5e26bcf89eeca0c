using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LoadTests.Rosetta;

/// <summary>AG-UI, which begins with a snapshot at each return, and goes on with its message.</summary>
internal sealed class AgUiReader(string id) : WireReader(id)
{
    public override HttpRequestMessage Next(Uri replica)
    {
        Clear();
        return new(HttpMethod.Get, new Uri(replica, $"/v1/generations/{Id}/stream?format=ag-ui"));
    }

    public override void Add(SseItem<string> frame)
    {
        var data = JsonElement.Parse(frame.Data);
        switch (data.GetProperty("type").GetString())
        {
            case "MESSAGES_SNAPSHOT":
                foreach (var message in data.GetProperty("messages").EnumerateArray())
                    AddMessage(message);
                break;
            case "TEXT_MESSAGE_CONTENT":
                Text.Append(data.GetProperty("delta").GetString());
                break;
            case "TOOL_CALL_START":
                Calls[CallId()] = (data.GetProperty("toolCallName").GetString()!, new StringBuilder());
                break;
            case "TOOL_CALL_ARGS":
                Calls[CallId()].Arguments.Append(data.GetProperty("delta").GetString());
                break;
            case "RUN_FINISHED":
                Usage = Tokens(data.GetProperty("usage")[0], "inputTokens", "outputTokens");
                HasEnded = true;
                break;
            // A server that stops says so; the run goes on.
            case "RUN_ERROR" when data.GetProperty("code").GetString() != "stream_ended":
                throw Failed(frame.Data);
        }

        string CallId() => data.GetProperty("toolCallId").GetString()!;
    }

    private void AddMessage(JsonElement message)
    {
        if (message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String)
            Text.Append(content.GetString());
        if (!message.TryGetProperty("toolCalls", out var calls))
            return;

        foreach (var call in calls.EnumerateArray())
        {
            var function = call.GetProperty("function");
            Calls[call.GetProperty("id").GetString()!] = (
                function.GetProperty("name").GetString()!,
                new StringBuilder(function.GetProperty("arguments").GetString())
            );
        }
    }
}
