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
    private string _model = model,
        _finish = "stop";
    private UsageDetails? _usage;
    private long _tokens;

    private string FinishReason => _calls.Count > 0 && _finish == "stop" ? "tool_calls" : _finish;

    /// <summary>Adds an update to the answer and returns it as deltas.</summary>
    public List<JsonObject> Take(ChatResponseUpdate update)
    {
        var deltas = new List<JsonObject>();
        _model = update.ModelId ?? _model;
        _finish = update.FinishReason?.Value ?? _finish;
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    _tokens++;
                    _text.Append(text.Text);
                    deltas.Add(new JsonObject { ["content"] = text.Text });
                    break;
                case FunctionCallContent call:
                    var whole = Call(call);
                    whole.Insert(0, "index", _calls.Count);
                    _calls.Add(call);
                    deltas.Add(new JsonObject { ["tool_calls"] = new JsonArray(whole) });
                    break;
                case UsageContent usage:
                    _usage = usage.Details;
                    break;
            }
        return deltas;
    }

    public JsonObject RoleChunk() => Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" });

    public JsonObject LastChunk() => Chunk([], FinishReason);

    public JsonObject Chunk(JsonObject delta, string? finish = null)
    {
        var chunk = Head(
            "chat.completion.chunk",
            new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["delta"] = delta,
                    ["logprobs"] = null,
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
            ["content"] = _text.Length > 0 || _calls.Count == 0 ? _text.ToString() : null,
            ["refusal"] = null,
        };
        if (_calls.Count > 0)
            message["tool_calls"] = new JsonArray([.. _calls.Select(Call)]);
        var whole = Head(
            "chat.completion",
            new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = message,
                    ["logprobs"] = null,
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
        var (input, output) = (_usage?.InputTokenCount ?? 0, _usage?.OutputTokenCount ?? _tokens);
        return new JsonObject
        {
            ["prompt_tokens"] = input,
            ["completion_tokens"] = output,
            ["total_tokens"] = input + output,
        };
    }

    private static JsonObject Call(FunctionCallContent call) =>
        new()
        {
            ["id"] = call.CallId,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = ToolCalls.Arguments(call) },
        };
}
