using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;
using static LlmGateway.Dialects.VendorFrame;

namespace LlmGateway.Dialects.Messages;

/// <summary>
/// Makes events in Anthropic's format: content blocks within a message. Events of a provider with the same API are
/// passed on as they are, after this answer's own start.
/// </summary>
internal sealed class MessagesWriter(ChatCall call) : IAnswerWriter
{
    private const string Thinking = "thinking";

    private readonly string _id = $"msg_{Guid.NewGuid():N}";
    private readonly AnswerUsage _usage = new(call);
    private ChatFinishReason _finish = ChatFinishReason.Stop;
    private string? _stopSequence;
    private int _block = -1;
    private string? _open; // the type of the open block
    private bool _isFinished;

    public string Model { get; private set; } = call.Target.Model;

    // A call that was cut by the limit is incomplete, so a client must not run it.
    private string StopReason =>
        _finish == ChatFinishReason.Length ? "max_tokens"
        : _finish == ChatFinishReason.ContentFilter ? "refusal"
        : _finish == ChatFinishReason.ToolCalls ? "tool_use"
        : _stopSequence is not null ? "stop_sequence"
        : "end_turn";

    public IReadOnlyList<JsonObject> Start() =>
        [
            Event(
                "message_start",
                (
                    "message",
                    Object(
                        ("id", _id),
                        ("type", "message"),
                        ("role", "assistant"),
                        ("model", Model),
                        ("content", new JsonArray()),
                        ("stop_reason", null),
                        ("stop_sequence", null),
                        ("usage", Usage(0))
                    )
                )
            ),
            Event("ping"),
        ];

    public IReadOnlyList<JsonObject> Next(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        _usage.Add(update);
        _finish = update.FinishReason ?? _finish;
        if (call.IsNative)
            return update.RawRepresentation is JsonObject native ? [Completed(native)] : [];

        var events = new List<JsonObject>();
        _stopSequence = StopSequence.Of(update) ?? _stopSequence;

        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    Enter("text", events);
                    events.Add(Delta(Event("text_delta", ("text", text.Text))));
                    break;
                case TextReasoningContent { Text.Length: > 0 } reasoning:
                    Enter(Thinking, events);
                    events.Add(Delta(Event("thinking_delta", ("thinking", reasoning.Text))));
                    break;
                case FunctionCallContent tool:
                    // Anthropic's clients parse even incomplete arguments, and would run the tool with a part of them.
                    if (_finish == ChatFinishReason.ToolCalls && ToolCalls.Object(ToolCalls.Arguments(tool)) is null)
                        throw ToolCalls.NoObject(tool);
                    Leave(events);
                    events.Add(
                        Open(Event("tool_use", ("id", tool.CallId), ("name", tool.Name), ("input", new JsonObject())))
                    );
                    events.Add(Delta(Event("input_json_delta", ("partial_json", ToolCalls.Arguments(tool)))));
                    events.Add(Close());
                    break;
            }

        return events;
    }

    public IReadOnlyList<JsonObject> End()
    {
        var events = new List<JsonObject>();
        if (!_isFinished)
        {
            Leave(events);
            events.Add(
                Event(
                    "message_delta",
                    ("delta", Object(("stop_reason", StopReason), ("stop_sequence", _stopSequence))),
                    ("usage", Usage(_usage.Output))
                )
            );
        }

        events.Add(Event("message_stop"));
        return events;
    }

    public IReadOnlyList<JsonObject> Fail(VendorError error) => [MessagesFormat.Instance.Body(error)];

    public IJoinedAnswer Join() => new JoinedMessage();

    /// <summary>Returns the provider's counts. Until they arrive, at the end, the input is an estimate.</summary>
    private JsonObject Usage(long output)
    {
        var cached = _usage.Cached ?? 0;
        var usage = new JsonObject { ["input_tokens"] = _usage.Input - cached, ["output_tokens"] = output };
        if (cached > 0)
            usage["cache_read_input_tokens"] = cached;
        return usage;
    }

    /// <summary>Adds the members that the provider's last frame lacks.</summary>
    private JsonObject Completed(JsonObject frame)
    {
        _isFinished |= WireJson.Text(frame, "type") == "message_delta";
        if (_isFinished && frame["delta"] is JsonObject delta)
            delta.TryAdd("stop_sequence", null);

        if (frame["usage"] is JsonObject usage)
        {
            usage["input_tokens"] ??= _usage.Input;
            usage["output_tokens"] ??= _usage.Output;
        }

        return frame;
    }

    private JsonObject Open(JsonObject block) =>
        Event("content_block_start", ("index", ++_block), ("content_block", block));

    private JsonObject Delta(JsonObject delta) => Event("content_block_delta", ("index", _block), ("delta", delta));

    private JsonObject Close() => Event("content_block_stop", ("index", _block));

    /// <summary>Opens a block of a type, unless a block of that type is open.</summary>
    private void Enter(string type, List<JsonObject> events)
    {
        if (_open == type)
            return;

        Leave(events);
        var block = Event(type, (type, ""));
        if (type == Thinking)
            block["signature"] = "";
        events.Add(Open(block));
        _open = type;
    }

    /// <summary>Ends the open block, if there is one.</summary>
    private void Leave(List<JsonObject> events)
    {
        // Anthropic signs its model's thinking, and its clients wait for the signature.
        if (_open == Thinking)
            events.Add(Delta(Event("signature_delta", ("signature", ""))));
        if (_open is not null)
            events.Add(Close());
        _open = null;
    }
}
