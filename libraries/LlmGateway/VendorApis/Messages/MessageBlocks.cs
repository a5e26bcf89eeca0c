using System.Text.Json.Nodes;
using LlmGateway.Providers;

namespace LlmGateway.VendorApis.Messages;

/// <summary>The content blocks of a whole answer, joined from the events of Anthropic's stream.</summary>
internal sealed class MessageBlocks
{
    private readonly SortedDictionary<long, JoinedDeltas> _blocks = [];

    /// <summary>Adds an event, and returns the estimated bytes of memory that it takes.</summary>
    public long Take(JsonObject e)
    {
        var index = e["index"] is JsonValue value && value.TryGetValue<long>(out var at) ? at : 0;
        switch ((string?)e["type"])
        {
            case "content_block_start" when e["content_block"] is JsonObject block:
                _blocks[index] = new JoinedDeltas();
                return _blocks[index].Add(block);
            case "content_block_delta" when e["delta"] is JsonObject delta && _blocks.TryGetValue(index, out var known):
                var added = delta.DeepClone().AsObject();
                added.Remove("type"); // the block has its own
                if (added["citation"]?.DeepClone() is { } citation)
                {
                    added.Remove("citation");
                    added["citations"] = new JsonArray(citation);
                }
                return known.Add(added);
            default:
                return 0;
        }
    }

    public JsonArray ToJson() => [.. _blocks.Values.Select(Block)];

    private static JsonNode Block(JoinedDeltas joined)
    {
        var block = joined.ToJson();
        if ((string?)block["partial_json"] is not { } input)
            return block;
        block.Remove("partial_json");
        if (input.Length > 0)
            block["input"] = ToolCalls.InputOrText(input);
        return block;
    }
}
