using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LoadTests.Rosetta;

/// <summary>OpenAI's Responses API, which goes on after a <c>sequence_number</c>.</summary>
internal sealed class ResponsesReader(string id) : WireReader(id)
{
    private long? _last;

    public override HttpRequestMessage Next(Uri replica)
    {
        var after = _last is null ? "" : $"&starting_after={_last}";
        return new(HttpMethod.Get, new Uri(replica, $"/v1/responses/resp_{Id}?stream=true{after}"));
    }

    public override void Add(SseItem<string> frame)
    {
        var data = JsonElement.Parse(frame.Data);
        var number = data.GetProperty("sequence_number").GetInt64();
        if (number != (_last ?? -1) + 1)
            throw Failed($"{number} follows {_last}");

        _last = number;
        switch (frame.EventType)
        {
            case "response.output_text.delta":
                Text.Append(data.GetProperty("delta").GetString());
                break;
            case "response.output_item.done" when Item("type") == "function_call":
                Calls[Item("call_id")!] = (Item("name")!, new StringBuilder(Item("arguments")));
                break;
            case "response.completed" or "response.incomplete":
                Usage = Tokens(data.GetProperty("response").GetProperty("usage"), "input_tokens", "output_tokens");
                HasEnded = true;
                break;
            case "error":
                throw Failed(frame.Data);
        }

        string? Item(string name) => data.GetProperty("item").GetProperty(name).GetString();
    }
}
