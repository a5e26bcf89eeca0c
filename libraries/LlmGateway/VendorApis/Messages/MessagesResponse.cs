using System.Text;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis.Messages;

/// <summary>An answer in Anthropic's format: content blocks within a message, as events or as a whole.</summary>
internal sealed class MessagesResponse(ChatCall call) : IVendorResponse
{
    private readonly string _id = $"msg_{Guid.NewGuid():N}";
    private readonly StringBuilder _text = new();
    private readonly List<FunctionCallContent> _calls = [];
    private ChatFinishReason _finish = ChatFinishReason.Stop;
    private string _model = call.Target.Model;
    private UsageDetails? _usage;
    private int _block = -1;
    private bool _inText;
    private long _tokens;

    /// <summary>The provider's count, which arrives at the end; an estimate until then.</summary>
    private long InputTokens => _usage?.InputTokenCount ?? call.InputTokens;

    private string StopReason =>
        _calls.Count > 0 ? "tool_use"
        : _finish == ChatFinishReason.Length ? "max_tokens"
        : _finish == ChatFinishReason.ContentFilter ? "refusal"
        : "end_turn";

    public JsonObject Start() => new() { ["type"] = "message_start", ["message"] = Message([], null, 0) };

    /// <summary>Adds an update to the answer and returns it as events.</summary>
    public List<JsonObject> Take(ChatResponseUpdate update)
    {
        var events = new List<JsonObject>();
        _model = update.ModelId ?? _model;
        _finish = update.FinishReason ?? _finish;
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    _tokens++;
                    _text.Append(text.Text);
                    if (!_inText)
                        events.Add(Open(new JsonObject { ["type"] = "text", ["text"] = "" }));
                    _inText = true;
                    events.Add(Delta(new JsonObject { ["type"] = "text_delta", ["text"] = text.Text }));
                    break;
                case FunctionCallContent tool:
                    Close(events);
                    _calls.Add(tool);
                    events.Add(
                        Open(
                            new JsonObject
                            {
                                ["type"] = "tool_use",
                                ["id"] = tool.CallId,
                                ["name"] = tool.Name,
                                ["input"] = new JsonObject(),
                            }
                        )
                    );
                    events.Add(
                        Delta(
                            new JsonObject
                            {
                                ["type"] = "input_json_delta",
                                ["partial_json"] = ToolCalls.Arguments(tool),
                            }
                        )
                    );
                    events.Add(Stop());
                    break;
                case UsageContent usage:
                    _usage = usage.Details;
                    break;
            }
        return events;
    }

    public List<JsonObject> End()
    {
        var events = new List<JsonObject>();
        Close(events);
        events.Add(
            new JsonObject
            {
                ["type"] = "message_delta",
                ["delta"] = new JsonObject { ["stop_reason"] = StopReason, ["stop_sequence"] = null },
                ["usage"] = Usage(_usage?.OutputTokenCount ?? _tokens),
            }
        );
        events.Add(new JsonObject { ["type"] = "message_stop" });
        return events;
    }

    public JsonObject Whole()
    {
        var content = new JsonArray();
        if (_text.Length > 0)
            content.Add((JsonNode)new JsonObject { ["type"] = "text", ["text"] = _text.ToString() });
        foreach (var tool in _calls)
            content.Add(
                (JsonNode)
                    new JsonObject
                    {
                        ["type"] = "tool_use",
                        ["id"] = tool.CallId,
                        ["name"] = tool.Name,
                        ["input"] = ToolCalls.Input(tool),
                    }
            );
        return Message(content, StopReason, _usage?.OutputTokenCount ?? _tokens);
    }

    private JsonObject Message(JsonArray content, string? stop, long output) =>
        new()
        {
            ["id"] = _id,
            ["type"] = "message",
            ["role"] = "assistant",
            ["model"] = _model,
            ["content"] = content,
            ["stop_reason"] = stop,
            ["stop_sequence"] = null,
            ["usage"] = Usage(output),
        };

    private JsonObject Usage(long output) => new() { ["input_tokens"] = InputTokens, ["output_tokens"] = output };

    private JsonObject Open(JsonObject block) =>
        new()
        {
            ["type"] = "content_block_start",
            ["index"] = ++_block,
            ["content_block"] = block,
        };

    private JsonObject Delta(JsonObject delta) =>
        new()
        {
            ["type"] = "content_block_delta",
            ["index"] = _block,
            ["delta"] = delta,
        };

    private JsonObject Stop() => new() { ["type"] = "content_block_stop", ["index"] = _block };

    private void Close(List<JsonObject> events)
    {
        if (_inText)
            events.Add(Stop());
        _inText = false;
    }
}
