using LlmGateway.Providers;

namespace LlmGateway.Dialects.Messages;

/// <summary>A whole answer of Anthropic's format, joined from the events of a stream.</summary>
internal sealed class JoinedMessage : IJoinedAnswer
{
    private readonly SortedDictionary<long, JoinedDeltas> _blocks = [];
    private JsonObject _message = [];

    public long Bytes { get; private set; }

    public void Add(JsonObject frame)
    {
        var type = WireJson.Text(frame, "type");
        // A delta without a number belongs to the last block.
        var index =
            WireJson.Number(frame, "index") ?? (type == "content_block_start" ? _blocks.Count : _blocks.Count - 1);
        switch (type)
        {
            case "message_start" when frame["message"] is JsonObject message:
                _message = message;
                break;
            case "content_block_start" when frame["content_block"] is JsonObject block:
                _blocks[index] = new JoinedDeltas();
                Bytes += _blocks[index].Add(block);
                break;
            case "content_block_delta"
                when frame["delta"] is JsonObject delta && _blocks.TryGetValue(index, out var known):
                Bytes += known.Add(Addition(delta));
                break;
            case "message_delta":
                foreach (var (name, member) in frame.Concat(frame["delta"] as JsonObject ?? []))
                    if (name is not ("type" or "delta"))
                        _message[name] = member?.DeepClone();
                break;
        }
    }

    public JsonObject ToJson()
    {
        _message["content"] = new JsonArray([.. _blocks.Values.Select(Block)]);
        return _message;
    }

    /// <summary>Returns the members that a delta adds to its block, without the delta's type, since the block has its
    /// own.</summary>
    private static JsonObject Addition(JsonObject delta)
    {
        delta.Remove("type");

        if (delta["citation"] is { } citation)
        {
            delta.Remove("citation");
            delta["citations"] = new JsonArray(citation);
        }

        return delta;
    }

    private static JsonNode Block(JoinedDeltas joined)
    {
        var block = joined.ToJson();
        if (WireJson.Text(block, "partial_json") is not { } input)
            return block;

        block.Remove("partial_json");

        if (input.Length > 0)
            block["input"] = ToolCalls.InputOrText(input);

        return block;
    }
}
