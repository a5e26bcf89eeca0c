using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the deltas of one answer in the JSON of both vendors' APIs, and in the variants of servers that claim to be
/// compatible:
/// <code>
/// {"id":"…","model":"…","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
/// {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}
/// </code>
/// </summary>
/// <param name="chat">The request's options.</param>
/// <param name="isOpenAi">True for the API of OpenAI, false for Anthropic's.</param>
/// <param name="isNative">True if the client uses the same API. Each update then has the provider's event, changed to
/// the vendor's own form.</param>
internal sealed class AnswerReader(ChatOptions? chat, bool isOpenAi, bool isNative) : AnswerDeltas(chat, isNative)
{
    /// <summary>Number of the call in OpenAI's old member <c>function_call</c>, which has one call and no
    /// number.</summary>
    private const int OnlyCall = -1;

    private readonly JsonObject _usage = [];

    /// <summary>Numbers of the calls that the provider itself answers, such as <c>server_tool_use</c>.</summary>
    private readonly HashSet<long?> _providersCalls = [];

    /// <exception cref="UpstreamException">The event has a call or a finish reason in an unknown form.</exception>
    public IEnumerable<ChatResponseUpdate> Read(JsonObject data) =>
        (!isOpenAi && Text(data, "type") == "message" ? EventsOf(data) : [data])
            .Select(one => Update(ReadEvent(one)))
            .Where(update => update is not { Contents.Count: 0, RawRepresentation: null });

    /// <summary>Reads an event, and returns it if a client of the same API gets it.</summary>
    private JsonObject? ReadEvent(JsonObject data)
    {
        var type = Text(data, "type");
        var choices = Array(data, "choices");
        var choice = choices?.OfType<JsonObject>().FirstOrDefault(one => Number(one, "index") is not > 0);
        choices?.RemoveAll(other => other != choice);

        var head = Object(data, "message") ?? data;
        Id ??= Text(head, "id");
        Model ??= Text(head, "model");
        SetUsage(
            Object(data, "usage") ?? Object(head, "usage") ?? Object(data["x_groq"], "usage") ?? Object(choice, "usage")
        );

        IsEnded |= type == "message_stop";
        if (isOpenAi && choice is not null)
            ReadChoice(choice);
        else if (!isOpenAi && type is not null)
            ReadBlock(type, data);
        else if (!IsEnded && (isOpenAi ? choices ?? data["usage"] : null) is null)
            Skip(isShown: false);

        var isShown = isOpenAi || type is not (null or "message_start" or "message_stop" or "ping");
        return IsNative && isShown ? data : null;
    }

    private void ReadChoice(JsonObject choice)
    {
        // An answer without streaming has a message instead of a delta.
        if (
            !HasContent
            && choice["delta"] is null or JsonObject { Count: 0 }
            && choice["message"] is JsonObject message
        )
        {
            choice.Remove("message");
            choice["delta"] = message;
        }

        choice["delta"] ??= new JsonObject();
        var delta = choice["delta"] as JsonObject ?? throw Unknown("delta");
        ReadText(delta["content"] ?? choice["text"], NewText);
        if (IsNative && (delta["content"] is JsonArray or JsonObject || choice["text"] is not null))
            delta["content"] = $"{NewText}{NewRefusal}";
        if (NewText.Length + NewRefusal.Length == 0)
            ReadText(delta["refusal"], NewRefusal);
        // These are the names of DeepSeek, OpenRouter and Ollama. Some servers send two of them.
        foreach (var name in (ReadOnlySpan<string>)["reasoning_content", "reasoning", "thinking"])
            if (NewReasoning.Length == 0)
                ReadText(delta[name], NewReasoning);
        if (IsNative && NewReasoning.Length > 0 && delta["reasoning"] is null)
            delta["reasoning_content"] = $"{NewReasoning}";

        var calls = delta["tool_calls"];
        foreach (var call in calls as JsonArray ?? (calls is null ? [] : throw Unknown("tool call")))
            if (call is not null)
                ReadCall(call as JsonObject ?? throw Unknown("tool call"));
        if (IsNative && (delta["function_call"] ?? delta["audio"]) is not null)
            Skip(isShown: true);
        else if (Object(delta, "function_call") is { } old)
            AddToCall(OnlyCall, id: null, Name(old, "name"), old["arguments"]);

        var reason = choice["finish_reason"];
        var isEnd = SetFinish(reason);
        if (IsNative && reason is not null && Text(reason) != "function_call")
            choice["finish_reason"] = isEnd ? FinishReason.Value : null;
    }

    /// <summary>Reads a text, or a list of parts: <c>[{"type":"text","text":"Hel"}]</c>.</summary>
    private void ReadText(JsonNode? part, StringBuilder text)
    {
        if (part is JsonArray parts)
            foreach (var one in parts)
                ReadText(one, text);
        else if (Text(part) is { } piece)
            text.Append(piece);
        else if (Get(part, "text") is { } inner)
            ReadText(inner, text);
        else if (Get(part, "refusal") is { } refusal)
            ReadText(refusal, NewRefusal);
        else if ((Get(part, "thinking") ?? Get(part, "reasoning")) is { } thought)
            ReadText(thought, NewReasoning);
        else if (part is not null)
            Skip(isShown: false);
    }

    /// <summary>Reads a delta of a call. For a client of the same API it changes the delta to OpenAI's form, since
    /// clients tell calls apart by number, and append whatever a later delta repeats.</summary>
    private void ReadCall(JsonObject call)
    {
        var custom = Object(call, "custom");
        if (custom is not null && !IsNative)
            throw Unknown("tool call");

        var function = custom ?? Object(call, "function") ?? call;
        var arguments = function["arguments"] ?? function["input"];
        var known = AddToCall(Number(call, "index"), Name(call, "id"), Name(function, "name"), arguments);
        known.TakesText |= custom is not null;
        if (!IsNative)
            return;

        if (function == call)
        {
            call.Remove("name");
            call.Remove("arguments");
            call["function"] = function = new JsonObject { ["name"] = known.Name };
        }

        call["index"] = known.Ordinal;
        call["id"] = known.Id;
        if (!known.TakesText)
            function["arguments"] = known.Taken;
        if (known.IsShown)
        {
            call.Remove("id");
            function.Remove("name");
        }
    }

    /// <summary>Reads an event of Anthropic's API. Events of unknown types may come at any time; their contents are not
    /// read.</summary>
    private void ReadBlock(string type, JsonObject data)
    {
        var index = Number(data, "index");
        var block = Object(data, "content_block") ?? Object(data, "delta");
        var kind = Text(block, "type");
        if (type is "content_block_start" or "content_block_delta")
        {
            ReadText(block?["text"], NewText);
            ReadText(block?["thinking"], NewReasoning);
        }

        switch (type)
        {
            case "content_block_start" when kind == "tool_use":
                _providersCalls.Remove(index);
                var call = AddToCall(index, Name(block, "id"), Name(block, "name"), null);
                call.Input = Object(block, "input");
                block!["id"] = call.Id;
                break;
            case "content_block_start" when kind is not ("text" or "thinking" or "redacted_thinking"):
                Skip(IsNative);
                if (kind?.EndsWith("_tool_use", StringComparison.Ordinal) == true)
                    _providersCalls.Add(index);
                break;
            case "content_block_delta" when Text(block, "partial_json") is { } json && !_providersCalls.Contains(index):
                AddToCall(index, id: null, name: null, json);
                break;
            case "content_block_stop":
                Close(index);
                break;
            case "message_delta":
                SetFinish(block?["stop_reason"]);
                // The client does not get the usage of message_start.
                data["usage"] = _usage.DeepClone();
                break;
        }
    }

    /// <summary>Sets members of the usage, which replace earlier values. Anthropic's <c>input_tokens</c> counts only
    /// tokens that are neither read from its cache nor written to it.</summary>
    private void SetUsage(JsonObject? usage)
    {
        if (usage is null)
            return;
        foreach (var (name, value) in usage)
            if (value is not null)
                _usage[name] = value.DeepClone();

        var read = Number(_usage, "cache_read_input_tokens");
        var cached = (read ?? 0) + (Number(_usage, "cache_creation_input_tokens") ?? 0);
        Usage = new UsageDetails
        {
            InputTokenCount = Number(_usage, "prompt_tokens") ?? Number(_usage, "input_tokens") + cached,
            OutputTokenCount = Number(_usage, "completion_tokens") ?? Number(_usage, "output_tokens"),
            CachedInputTokenCount = Number(_usage["prompt_tokens_details"], "cached_tokens") ?? read,
            ReasoningTokenCount = Number(_usage["completion_tokens_details"], "reasoning_tokens"),
        };
    }

    /// <summary>Returns the events that Anthropic would stream for a whole answer.</summary>
    private static IEnumerable<JsonObject> EventsOf(JsonObject message)
    {
        yield return [new("type", "message_start"), new("message", message)];

        var content = message["content"];
        foreach (var (index, block) in (content as JsonArray ?? [content?.DeepClone()]).Index())
        {
            var opening = block?.DeepClone() as JsonObject ?? [new("type", "text"), new("text", block?.DeepClone())];
            var input = Object(opening, "input")?.ToJsonString(RunJson.Options);
            if (input is not null)
                opening["input"] = new JsonObject();

            yield return [new("type", "content_block_start"), new("index", index), new("content_block", opening)];
            // Some clients read an input only from deltas.
            JsonObject delta = [new("type", "input_json_delta"), new("partial_json", input)];
            if (input is not null)
                yield return [new("type", "content_block_delta"), new("index", index), new("delta", delta)];
            yield return [new("type", "content_block_stop"), new("index", index)];
        }

        JsonObject end = [new("stop_reason", message["stop_reason"]?.DeepClone())];
        end["stop_sequence"] = message["stop_sequence"]?.DeepClone();
        yield return [new("type", "message_delta"), new("delta", end)];
        yield return [new("type", "message_stop")];
    }

    private static UpstreamException Unknown(string what) =>
        Incomplete($"the provider sent a {what} in an unknown form.");
}
