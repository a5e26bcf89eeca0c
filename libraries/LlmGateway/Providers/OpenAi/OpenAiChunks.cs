using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.OpenAi;

/// <summary>
/// Reads the chunks of one answer, in the forms of the servers that call themselves compatible, and makes them OpenAI's
/// for a client of the same API:
/// <code>
/// {"id":"…","model":"…","choices":[{"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
/// </code>
/// A server may number all calls 0 or none, send arguments as an object, text as a list of parts, or a whole
/// answer, which has a <c>message</c> and no <c>delta</c>.
/// </summary>
/// <param name="answer">Gathers the answer.</param>
/// <param name="isNative">True if the client has the same API: each update has its chunk.</param>
internal sealed class OpenAiChunks(AnswerDeltas answer, bool isNative)
{
    /// <exception cref="UpstreamException">The chunk has a call or an end that is not to be understood.</exception>
    public ChatResponseUpdate? Read(JsonObject chunk)
    {
        answer.Id ??= Text(chunk, "id");
        answer.Model ??= Text(chunk, "model");

        var choice = Array(chunk, "choices")?.FirstOrDefault() as JsonObject;
        TakeUsage(Object(chunk, "usage") ?? Object(chunk["x_groq"], "usage") ?? Object(choice, "usage"));

        if (Array(chunk, "choices") is null && chunk["usage"] is null)
            answer.Skip(isShown: false);

        var update = answer.Update();
        if (choice is not null)
            ReadChoice(choice, update);
        if (isNative)
            update.RawRepresentation = chunk;

        return isNative || update.Contents.Count > 0 ? update : null;
    }

    private void ReadChoice(JsonObject choice, ChatResponseUpdate update)
    {
        if (Object(choice, "delta") is null && !answer.HasContent && Object(choice, "message") is { } message)
        {
            choice.Remove("message");
            choice["delta"] = message;
        }

        var (text, reasoning) = (new StringBuilder(), new StringBuilder());
        var delta = Object(choice, "delta");
        Read(delta?["content"] ?? choice["text"], text, reasoning);

        if (isNative && delta?["content"] is JsonArray or JsonObject)
        {
            delta["content"] = text.ToString();
            if (reasoning.Length > 0)
                delta["reasoning_content"] = reasoning.ToString();
        }

        if (text.Length == 0)
            Read(delta?["refusal"], text, reasoning);
        // The names of DeepSeek, OpenRouter and Ollama; some servers send two of them.
        foreach (var name in (ReadOnlySpan<string>)["reasoning_content", "reasoning", "thinking"])
            if (reasoning.Length == 0)
                Read(delta?[name], reasoning, reasoning);
        answer.Take(update, text.ToString(), reasoning.ToString());

        TakeCalls(delta?["tool_calls"]);
        if (isNative && (delta?["function_call"] ?? delta?["audio"]) is not null)
            answer.Skip(isShown: true);
        else if (Object(delta, "function_call") is { } old)
            answer.TakeCall(index: -1, id: null, Name(old, "name"), old["arguments"]);

        var reason = choice["finish_reason"];
        var isEnd = answer.TakeFinish(reason, isNative);
        if (isNative && reason is not null && Text(reason) != "function_call")
            choice["finish_reason"] = isEnd ? answer.FinishReason.Value : null;
    }

    /// <summary>Reads a text, or a list of parts: <c>[{"type":"text","text":"Hel"}]</c>.</summary>
    private void Read(JsonNode? part, StringBuilder text, StringBuilder reasoning)
    {
        if (part is JsonArray parts)
            foreach (var one in parts)
                Read(one, text, reasoning);
        else if (Text(part) is { } piece)
            text.Append(piece);
        else if ((Get(part, "text") ?? Get(part, "refusal")) is { } inner)
            Read(inner, text, reasoning);
        else if ((Get(part, "thinking") ?? Get(part, "reasoning")) is { } thought)
            Read(thought, reasoning, reasoning);
        else if (part is not null)
            answer.Skip(isShown: false);
    }

    private void TakeCalls(JsonNode? calls)
    {
        foreach (var one in calls as JsonArray ?? (calls is null ? [] : throw UnknownCall()))
        {
            if (one is null)
                continue;

            var call = one as JsonObject ?? throw UnknownCall();
            var custom = Object(call, "custom");
            if (custom is not null && !isNative)
                throw UnknownCall();

            var function = custom ?? Object(call, "function") ?? call;
            var arguments = function["arguments"] ?? function["input"];
            var known = answer.TakeCall(Number(call, "index"), Name(call, "id"), Name(function, "name"), arguments);
            known.TakesText |= custom is not null;
            if (isNative)
                MakeOpenAis(call, function, known);
        }
    }

    /// <summary>Clients number the calls of an answer, and append what a later delta repeats.</summary>
    private static void MakeOpenAis(JsonObject call, JsonObject function, ToolCallDelta known)
    {
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

        known.IsShown |= known.Name is not null;
    }

    private static UpstreamException UnknownCall() =>
        AnswerDeltas.Incomplete("the provider sent a tool call in an unknown form.");

    private void TakeUsage(JsonObject? usage)
    {
        if (usage is null)
            return;
        answer.Usage = new UsageDetails
        {
            InputTokenCount = Number(usage, "prompt_tokens"),
            OutputTokenCount = Number(usage, "completion_tokens"),
            CachedInputTokenCount = Number(usage["prompt_tokens_details"], "cached_tokens"),
            ReasoningTokenCount = Number(usage["completion_tokens_details"], "reasoning_tokens"),
        };
    }
}
