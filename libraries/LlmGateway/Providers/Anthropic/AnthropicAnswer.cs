using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Reads the events of one answer: <c>message_start</c>, blocks (<c>content_block_start</c>, <c>…_delta</c>,
/// <c>…_stop</c>), <c>message_delta</c> with the stop reason, <c>message_stop</c>; <c>ping</c> at any time. A whole
/// answer, <c>{"type":"message","content":[…]}</c>, is read as these events.
/// </summary>
/// <param name="chat">The request's options.</param>
/// <param name="isNative">True if the client has the same API: the updates have every event between the first and the
/// last.</param>
internal sealed class AnthropicAnswer(ChatOptions? chat, bool isNative)
{
    private readonly AnswerDeltas _answer = new(chat);
    private readonly JsonObject _usage = [];

    /// <summary>Calls whose block is open, and the input with which it began: an object without members, unless no
    /// deltas follow.</summary>
    private readonly Dictionary<long, (ToolCallDelta Call, JsonObject? Input)> _open = [];

    public bool IsOver => _answer.IsEnded;

    public IEnumerable<ChatResponseUpdate> Take(JsonObject data) =>
        (Text(data, "type") == "message" ? EventsOf(data) : [data]).Select(TakeEvent).OfType<ChatResponseUpdate>();

    public ChatResponseUpdate End()
    {
        _answer.Usage = Usage();
        var last = _answer.End();
        if (isNative && _answer.Finish is null)
            last.RawRepresentation = Completed(
                new JsonObject
                {
                    ["type"] = "message_delta",
                    ["delta"] = new JsonObject
                    {
                        ["stop_reason"] = last.FinishReason == ChatFinishReason.ToolCalls ? "tool_use" : "end_turn",
                    },
                }
            );
        return last;
    }

    private ChatResponseUpdate? TakeEvent(JsonObject data)
    {
        var type = Text(data, "type");
        var update = Read(type, data);

        if (!isNative || type is null or "message_start" or "message_stop" or "ping")
            return update;

        update ??= _answer.Update();
        update.RawRepresentation = type == "message_delta" ? Completed(data) : data;
        return update;
    }

    private ChatResponseUpdate? Read(string? type, JsonObject data)
    {
        switch (type)
        {
            case "message_start":
                _answer.Id = Text(data["message"], "id");
                _answer.Model = Text(data["message"], "model");
                TakeUsage(data["message"]);
                break;

            case "content_block_start" when Text(data["content_block"], "type") == "tool_use":
                var block = Object(data, "content_block");
                var opened = _answer.TakeCall(Number(data, "index"), Name(block, "id"), Name(block, "name"), null);
                _open[opened.Ordinal] = (opened, Object(block, "input"));
                break;
            case "content_block_start":
                if (Text(data["content_block"], "type") is not ("text" or "thinking" or "redacted_thinking"))
                    _answer.Skip(isNative);
                return TakeText(data["content_block"]);
            case "content_block_delta" when Text(data["delta"], "partial_json") is { } json:
                _answer.TakeCall(Number(data, "index"), id: null, name: null, json);
                break;
            case "content_block_delta":
                return TakeText(data["delta"]);
            case "content_block_stop":
                var at = Number(data, "index");
                foreach (var (call, input) in _open.Values)
                    if (call.Index == at && call.IsBlank && input is not null)
                        call.Add(null, null, input.ToJsonString(RunJson.Options));
                break;

            case "message_delta":
                _answer.TakeFinish(Get(data["delta"], "stop_reason"), isNative);
                TakeUsage(data);
                break;
            case "message_stop":
                _answer.IsEnded = true;
                break;
            case null:
                _answer.Skip(isShown: false);
                break;
        }
        return null;
    }

    private ChatResponseUpdate? TakeText(JsonNode? json) => _answer.Take(Text(json, "text"), Text(json, "thinking"));

    /// <summary>The members of <c>message_start</c>, replaced by those of <c>message_delta</c>.</summary>
    private void TakeUsage(JsonNode? json)
    {
        foreach (var (name, value) in Object(json, "usage") ?? [])
            if (value is not null)
                _usage[name] = value.DeepClone();
    }

    /// <summary>
    /// The token counts in the abstraction's terms. Anthropic's <c>input_tokens</c> are those that are neither read
    /// from its cache nor written to it.
    /// </summary>
    private UsageDetails Usage()
    {
        var (read, written) = (
            Number(_usage, "cache_read_input_tokens"),
            Number(_usage, "cache_creation_input_tokens")
        );
        return new UsageDetails
        {
            InputTokenCount = Number(_usage, "input_tokens") is { } input ? input + (read ?? 0) + (written ?? 0) : null,
            CachedInputTokenCount = read,
            OutputTokenCount = Number(_usage, "output_tokens"),
        };
    }

    /// <summary>Completes <c>message_delta</c> by the usage in <c>message_start</c>, which the client does not
    /// get.</summary>
    private JsonObject Completed(JsonObject end)
    {
        if (end["delta"] is JsonObject delta)
            delta.TryAdd("stop_sequence", null);
        end["usage"] = _usage.DeepClone();
        return end;
    }

    /// <summary>The events that a stream of a whole answer would have.</summary>
    private static IEnumerable<JsonObject> EventsOf(JsonObject message)
    {
        yield return new JsonObject { ["type"] = "message_start", ["message"] = message };

        var index = 0;
        foreach (var block in Array(message, "content")?.OfType<JsonObject>() ?? [])
        {
            var opening = block.DeepClone().AsObject();
            var input = Object(opening, "input");
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return Event("content_block_start", "content_block", opening);
            if (input is not null)
                yield return Event(
                    "content_block_delta",
                    "delta",
                    new JsonObject
                    {
                        ["type"] = "input_json_delta",
                        ["partial_json"] = input.ToJsonString(RunJson.Options),
                    }
                );
            yield return new JsonObject { ["type"] = "content_block_stop", ["index"] = index++ };
        }

        yield return new JsonObject
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject
            {
                ["stop_reason"] = message["stop_reason"]?.DeepClone(),
                ["stop_sequence"] = message["stop_sequence"]?.DeepClone(),
            },
            ["usage"] = message["usage"]?.DeepClone(),
        };
        yield return new JsonObject { ["type"] = "message_stop" };

        JsonObject Event(string type, string member, JsonObject value) =>
            new()
            {
                ["type"] = type,
                ["index"] = index,
                [member] = value,
            };
    }
}
