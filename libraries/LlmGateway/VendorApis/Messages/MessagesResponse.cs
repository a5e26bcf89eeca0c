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
    private readonly MessageBlocks _blocks = new();
    private ChatFinishReason _finish = ChatFinishReason.Stop;
    private string _model = call.Target.Model;
    private string? _stopSequence;
    private UsageDetails? _usage;
    private JsonObject? _end;
    private int _block = -1;
    private bool _inText;
    private long _tokens;

    public long Bytes { get; private set; }

    // A call that the limit has cut is not complete, so a client must not run it.
    private string StopReason =>
        _finish == ChatFinishReason.Length ? "max_tokens"
        : _finish == ChatFinishReason.ContentFilter ? "refusal"
        : _calls.Count > 0 ? "tool_use"
        : _stopSequence is not null ? "stop_sequence"
        : "end_turn";

    public JsonObject Start() => new() { ["type"] = "message_start", ["message"] = Message([], null, 0) };

    /// <summary>Adds an update to the answer and returns it as events.</summary>
    public List<JsonObject> Take(ChatResponseUpdate update)
    {
        _model = update.ModelId ?? _model;
        if (RawUpdate.Of(update) is { } raw)
            return TakeRaw(raw);

        var events = new List<JsonObject>();
        _finish = update.FinishReason ?? _finish;
        _stopSequence = StopSequence.Of(update) ?? _stopSequence;
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    _tokens++;
                    _text.Append(text.Text);
                    Bytes += sizeof(char) * (long)text.Text.Length;
                    if (!_inText)
                        events.Add(Open(new JsonObject { ["type"] = "text", ["text"] = "" }));
                    _inText = true;
                    events.Add(Delta(new JsonObject { ["type"] = "text_delta", ["text"] = text.Text }));
                    break;
                case FunctionCallContent tool:
                    Close(events);
                    _calls.Add(tool);
                    Bytes += ToolCalls.MemoryOf(tool);
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
            _end
                ?? new JsonObject
                {
                    ["type"] = "message_delta",
                    ["delta"] = new JsonObject { ["stop_reason"] = StopReason, ["stop_sequence"] = _stopSequence },
                    ["usage"] = Usage(_usage?.OutputTokenCount ?? _tokens),
                }
        );
        events.Add(new JsonObject { ["type"] = "message_stop" });
        return events;
    }

    public JsonObject Whole()
    {
        if (_end is not null)
            return RawWhole(_end);
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
                        ["input"] = ToolCalls.InputOrText(tool),
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
            ["stop_sequence"] = stop is null ? null : _stopSequence,
            ["usage"] = Usage(output),
        };

    /// <summary>The provider's count, which arrives at the end; an estimate of the input until then.</summary>
    private JsonObject Usage(long output)
    {
        var (input, cached) = (_usage?.InputTokenCount ?? call.InputTokens, _usage?.CachedInputTokenCount ?? 0);
        var usage = new JsonObject { ["input_tokens"] = input - cached, ["output_tokens"] = output };
        if (cached > 0)
            usage["cache_read_input_tokens"] = cached;
        return usage;
    }

    private List<JsonObject> TakeRaw(RawUpdate raw)
    {
        if (raw.IsLast)
        {
            _end = raw.Json;
            return [];
        }
        Bytes += _blocks.Take(raw.Json);
        return [raw.Json];
    }

    /// <summary>The provider's own blocks, and the members of its last event: stop reason, usage and others.</summary>
    private JsonObject RawWhole(JsonObject end)
    {
        var message = Message(_blocks.ToJson(), null, 0);
        foreach (var (name, value) in end.Concat(end["delta"] as JsonObject ?? []))
            if (name is not ("type" or "delta"))
                message[name] = value?.DeepClone();
        return message;
    }

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
