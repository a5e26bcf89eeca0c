using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace LoadTests.Rosetta;

/// <summary>The protocol of <c>/v1/generations</c>, which goes on after the last id.</summary>
internal sealed class OwnReader(string id) : WireReader(id)
{
    private string? _last;

    public override HttpRequestMessage Next(Uri replica)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica, $"/v1/generations/{Id}/stream"));
        if (_last is not null)
            request.Headers.Add("Last-Event-ID", _last);
        return request;
    }

    public override void Add(SseItem<string> frame)
    {
        _last = string.IsNullOrEmpty(frame.EventId) ? _last : frame.EventId;
        if (frame.EventType is not ("token" or "tool_use" or "done" or "error"))
            return;

        var data = JsonElement.Parse(frame.Data);
        switch (frame.EventType)
        {
            case "token":
                Text.Append(data.GetProperty("text").GetString());
                break;
            case "tool_use":
                Calls[data.GetProperty("id").GetString()!] = (
                    data.GetProperty("tool").GetString()!,
                    new StringBuilder(data.GetProperty("input").GetRawText())
                );
                break;
            case "done":
                Usage = Tokens(data.GetProperty("usage"), "inputTokens", "outputTokens");
                HasEnded = true;
                break;
            default:
                throw Failed(frame.Data);
        }
    }
}
