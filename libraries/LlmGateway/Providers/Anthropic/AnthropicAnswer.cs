using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Finds the deltas in the events of one answer: <c>message_start</c>, blocks (<c>content_block_start</c>,
/// <c>…_delta</c>, <c>…_stop</c>), <c>message_delta</c> with the stop reason, <c>message_stop</c>; <c>ping</c> at any
/// time. A whole answer, <c>{"type":"message","content":[…]}</c>, is read as these events.
/// </summary>
/// <param name="answer">Gathers the deltas.</param>
/// <param name="isNative">True if the client has the same API: the updates have every event between the first and the
/// last.</param>
internal sealed class AnthropicAnswer(AnswerDeltas answer, bool isNative)
{
    private readonly JsonObject _usage = [];

    public IEnumerable<ChatResponseUpdate> Take(JsonObject data) =>
        (Text(data, "type") == "message" ? EventsOf(data) : [data]).Select(TakeEvent).OfType<ChatResponseUpdate>();

    private ChatResponseUpdate? TakeEvent(JsonObject data)
    {
        var (type, update) = (Text(data, "type"), answer.Update());
        Read(type, data, update);

        if (isNative && type is not (null or "message_start" or "message_stop" or "ping"))
            update.RawRepresentation = data;
        // The client does not get the usage of message_start.
        if (type == "message_delta")
            data["usage"] = _usage.DeepClone();

        return update is { Contents.Count: 0, RawRepresentation: null } ? null : update;
    }

    private void Read(string? type, JsonObject data, ChatResponseUpdate update)
    {
        var index = Number(data, "index");
        var part = Object(data, "content_block") ?? Object(data, "delta");
        var kind = Text(part, "type");

        switch (type)
        {
            case "message_start":
                answer.Id = Text(data["message"], "id");
                answer.Model = Text(data["message"], "model");
                TakeUsage(data["message"]);
                break;
            case "content_block_start" when kind == "tool_use":
                answer.TakeCall(index, Name(part, "id"), Name(part, "name"), null).Input = Object(part, "input");
                break;
            case "content_block_delta" when Text(part, "partial_json") is { } json:
                answer.TakeCall(index, id: null, name: null, json);
                break;
            case "content_block_start" or "content_block_delta":
                if (type == "content_block_start" && kind is not ("text" or "thinking" or "redacted_thinking"))
                    answer.Skip(isNative);
                answer.Take(update, Text(part, "text"), Text(part, "thinking"));
                break;
            case "content_block_stop":
                answer.Close(index);
                break;
            case "message_delta":
                answer.TakeFinish(Get(part, "stop_reason"), isNative);
                TakeUsage(data);
                break;
            case "message_stop":
                answer.IsEnded = true;
                break;
            case null:
                answer.Skip(isShown: false);
                break;
        }
    }

    /// <summary>Takes the members of <c>message_start</c>, replaced by those of <c>message_delta</c>. Anthropic's
    /// <c>input_tokens</c> are those that are neither read from its cache nor written to it.</summary>
    private void TakeUsage(JsonNode? json)
    {
        foreach (var (name, value) in Object(json, "usage") ?? [])
            if (value is not null)
                _usage[name] = value.DeepClone();

        var read = Number(_usage, "cache_read_input_tokens");
        var cached = (read ?? 0) + (Number(_usage, "cache_creation_input_tokens") ?? 0);
        answer.Usage = new UsageDetails
        {
            InputTokenCount = Number(_usage, "input_tokens") + cached,
            CachedInputTokenCount = read,
            OutputTokenCount = Number(_usage, "output_tokens"),
        };
    }

    /// <summary>The events that a stream of a whole answer would have.</summary>
    private static IEnumerable<JsonObject> EventsOf(JsonObject message)
    {
        yield return Event("message_start", ("message", message));

        var index = 0;
        foreach (var block in Array(message, "content")?.OfType<JsonObject>() ?? [])
        {
            var opening = block.DeepClone().AsObject();
            var input = Object(block, "input")?.ToJsonString(RunJson.Options);
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return Event("content_block_start", ("index", index), ("content_block", opening));
            // Some clients read an input from deltas alone.
            if (input is not null)
                yield return Event(
                    "content_block_delta",
                    ("index", index),
                    ("delta", Event("input_json_delta", ("partial_json", input)))
                );
            yield return Event("content_block_stop", ("index", index++));
        }

        var end = new JsonObject();
        foreach (var name in (string[])["stop_reason", "stop_sequence"])
            end[name] = message[name]?.DeepClone();
        yield return Event("message_delta", ("delta", end), ("usage", message["usage"]?.DeepClone()));
        yield return Event("message_stop");
    }

    private static JsonObject Event(string type, params (string Name, JsonNode? Value)[] members)
    {
        var json = new JsonObject { ["type"] = type };
        foreach (var (name, value) in members)
            json[name] = value;
        return json;
    }
}
