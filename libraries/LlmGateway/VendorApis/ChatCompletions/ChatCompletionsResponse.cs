using System.Text;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis.ChatCompletions;

/// <summary>
/// An answer in OpenAI's format, as chunks or as a whole:
/// <code>
/// {"id":"chatcmpl-…","object":"chat.completion.chunk","created":1,"model":"…",
///  "choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}
/// </code>
/// </summary>
/// <param name="model">The model that the request names.</param>
/// <param name="includeUsage">True if the request asks for the usage at the end of a stream.</param>
/// <param name="clock">Stamps the answer.</param>
internal sealed class ChatCompletionsResponse(string model, bool includeUsage, TimeProvider clock) : IVendorResponse
{
    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly long _created = clock.GetUtcNow().ToUnixTimeSeconds();
    private readonly StringBuilder _text = new();
    private readonly List<FunctionCallContent> _calls = [];
    private readonly JoinedDeltas _rawMessage = new(),
        _rawLogprobs = new();
    private string _model = model,
        _finish = "stop";
    private UsageDetails? _usage;
    private JsonObject? _rawUsage;
    private long _tokens,
        _unnumbered;
    private bool _hasRawCalls;

    public long Bytes { get; private set; }

    private bool HasCalls => _calls.Count > 0 || _hasRawCalls;
    private string FinishReason => HasCalls && _finish == "stop" ? "tool_calls" : _finish;

    /// <summary>Adds an update to the answer and returns it as chunks.</summary>
    public List<JsonObject> Take(ChatResponseUpdate update)
    {
        _model = update.ModelId ?? _model;
        _finish = update.FinishReason?.Value ?? _finish;
        if (RawUpdate.Of(update) is { } raw)
            return TakeRaw(raw);

        var chunks = new List<JsonObject>();
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    _tokens++;
                    _text.Append(text.Text);
                    Bytes += sizeof(char) * (long)text.Text.Length;
                    chunks.Add(Chunk(new JsonObject { ["content"] = text.Text }));
                    break;
                case FunctionCallContent call:
                    var whole = Call(call);
                    whole.Insert(0, "index", _calls.Count);
                    _calls.Add(call);
                    Bytes += ToolCalls.MemoryOf(call);
                    chunks.Add(Chunk(new JsonObject { ["tool_calls"] = new JsonArray(whole) }));
                    break;
                case UsageContent usage:
                    _usage = usage.Details;
                    break;
            }
        return chunks;
    }

    public JsonObject RoleChunk() => Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" });

    public JsonObject LastChunk() => Chunk([], FinishReason);

    private JsonObject Chunk(JsonObject delta, string? finish = null, JsonNode? logprobs = null)
    {
        var chunk = Head(
            "chat.completion.chunk",
            new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["delta"] = delta,
                    ["logprobs"] = logprobs,
                    ["finish_reason"] = finish,
                }
            )
        );
        if (includeUsage)
            chunk["usage"] = null; // as OpenAI does: null in every chunk but the last
        return chunk;
    }

    /// <summary>Returns the chunk with the usage, or null if the request does not ask for it.</summary>
    public JsonObject? UsageChunk()
    {
        if (!includeUsage)
            return null;
        var chunk = Head("chat.completion.chunk", []);
        chunk["usage"] = Usage();
        return chunk;
    }

    public JsonObject Whole()
    {
        var message = new JsonObject
        {
            ["role"] = "assistant",
            ["content"] = _text.Length > 0 || !HasCalls ? _text.ToString() : null,
            ["refusal"] = null,
        };
        foreach (var (name, value) in _rawMessage.ToJson())
            message[name] = value?.DeepClone();
        if (_calls.Count > 0)
            message["tool_calls"] = new JsonArray([.. _calls.Select(Call)]);
        var whole = Head(
            "chat.completion",
            new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = message,
                    ["logprobs"] = _rawLogprobs.IsEmpty ? null : _rawLogprobs.ToJson(),
                    ["finish_reason"] = FinishReason,
                }
            )
        );
        whole["usage"] = Usage();
        return whole;
    }

    private JsonObject Head(string kind, JsonArray choices) =>
        new()
        {
            ["id"] = _id,
            ["object"] = kind,
            ["created"] = _created,
            ["model"] = _model,
            ["choices"] = choices,
        };

    private JsonObject Usage()
    {
        if (_rawUsage is not null)
            return _rawUsage.DeepClone().AsObject();
        var (input, output) = (_usage?.InputTokenCount ?? 0, _usage?.OutputTokenCount ?? _tokens);
        var usage = new JsonObject
        {
            ["prompt_tokens"] = input,
            ["completion_tokens"] = output,
            ["total_tokens"] = input + output,
        };
        if (_usage?.CachedInputTokenCount is { } cached)
            usage["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached };
        return usage;
    }

    /// <summary>Passes a choice of the provider's chunk on, without the members that say nothing.</summary>
    private List<JsonObject> TakeRaw(RawUpdate raw)
    {
        if (raw.IsLast)
        {
            _rawUsage = raw.Json["usage"] as JsonObject;
            return [];
        }
        if (raw.Json["delta"] is not JsonObject delta)
            return [];
        raw.Json.Remove("delta");
        // The first chunk is the gateway's, and has the role.
        foreach (var name in delta.Where(m => m.Key == "role" || IsBlank(m.Value)).Select(m => m.Key).ToList())
            delta.Remove(name);
        if (delta["tool_calls"] is JsonArray calls)
        {
            _hasRawCalls = true;
            foreach (var call in calls.OfType<JsonObject>().Where(c => c["index"] is null))
                call["index"] = _unnumbered++; // required, but not every compatible server has it
        }
        var logprobs = raw.Json["logprobs"] as JsonObject;
        raw.Json.Remove("logprobs");
        if (delta.Count == 0 && logprobs is null)
            return [];
        _tokens += delta.ContainsKey("content") ? 1 : 0;
        Bytes += _rawMessage.Add(delta);
        if (logprobs is not null)
            Bytes += _rawLogprobs.Add(logprobs);
        return [Chunk(delta, logprobs: logprobs)];
    }

    private static bool IsBlank(JsonNode? value) =>
        value is null || (value is JsonValue text && text.TryGetValue<string>(out var some) && some.Length == 0);

    private static JsonObject Call(FunctionCallContent call) =>
        new()
        {
            ["id"] = call.CallId,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = ToolCalls.Arguments(call) },
        };
}
