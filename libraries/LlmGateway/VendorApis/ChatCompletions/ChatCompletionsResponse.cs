using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis.ChatCompletions;

/// <summary>
/// Makes chunks in OpenAI's format. Those of a provider with the same API are passed on as they are, with this answer's
/// id and times:
/// <code>
/// {"id":"chatcmpl-…","object":"chat.completion.chunk","created":1,"model":"…",
///  "choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}
/// </code>
/// </summary>
/// <param name="call">The request.</param>
/// <param name="includeUsage">True if the last chunk has the usage.</param>
/// <param name="clock">Stamps the answer.</param>
internal sealed class ChatCompletionsResponse(ChatCall call, bool includeUsage, TimeProvider clock) : IVendorResponse
{
    private const string Kind = "chat.completion.chunk";

    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly long _created = clock.GetUtcNow().ToUnixTimeSeconds();
    private string _finish = "stop";
    private JsonObject? _usage;
    private long _tokens,
        _calls;
    private bool _hasCalls,
        _isFinished;

    public string Model { get; private set; } = call.Target.Model;

    public IReadOnlyList<JsonObject> Start() => [Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" })];

    public IReadOnlyList<JsonObject> Take(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        _finish = update.FinishReason?.Value ?? _finish;
        if (update.Text.Length > 0)
            _tokens++;
        return call.IsNative ? Forward(update.RawRepresentation as JsonObject) : Translate(update.Contents);
    }

    public IReadOnlyList<JsonObject> End()
    {
        var chunks = new List<JsonObject>();
        if (!_isFinished)
            chunks.Add(Chunk([], FinishReason(_finish)));

        if (includeUsage)
        {
            var last = Head([]);
            last["usage"] = _usage ?? Usage(null);
            chunks.Add(last);
        }

        return chunks;
    }

    public IJoinedAnswer Join() => new JoinedCompletion();

    /// <summary>Passes a chunk of the provider on. Its usage is for the end.</summary>
    private JsonObject[] Forward(JsonObject? chunk)
    {
        if (chunk?["usage"] is JsonObject usage)
            _usage = usage.DeepClone().AsObject();
        if (chunk?["choices"] is not (JsonArray and [JsonObject choice, ..]))
            return [];

        chunk["id"] = _id;
        chunk["object"] = Kind;
        chunk["created"] = _created;
        chunk["model"] = Model;
        chunk.Remove("usage");

        if (includeUsage)
            chunk["usage"] = null;

        if (choice["delta"] is JsonObject delta && delta["tool_calls"] is JsonArray tools)
            foreach (var tool in tools.OfType<JsonObject>())
            {
                _hasCalls = true;
                tool["index"] ??= _calls++; // required, but not every compatible server has it
            }

        if (choice["finish_reason"] is JsonValue finish)
        {
            choice["finish_reason"] = FinishReason(finish.ToString());
            _isFinished = true;
        }

        return [chunk];
    }

    private List<JsonObject> Translate(IEnumerable<AIContent> contents)
    {
        var chunks = new List<JsonObject>();
        foreach (var content in contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    chunks.Add(Chunk(new JsonObject { ["content"] = text.Text }));
                    break;
                case FunctionCallContent tool:
                    _hasCalls = true;
                    chunks.Add(Chunk(new JsonObject { ["tool_calls"] = new JsonArray(Call(tool, _calls++)) }));
                    break;
                case UsageContent { Details: var details }:
                    _usage = Usage(details);
                    break;
            }

        return chunks;
    }

    private JsonObject Chunk(JsonObject delta, string? finish = null)
    {
        var chunk = Head(
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

    private JsonObject Head(JsonArray choices) =>
        new()
        {
            ["id"] = _id,
            ["object"] = Kind,
            ["created"] = _created,
            ["model"] = Model,
            ["choices"] = choices,
        };

    /// <summary>The provider's reason; but a client that reads "stop" would not run the tools.</summary>
    private string FinishReason(string reason) => reason == "stop" && _hasCalls ? "tool_calls" : reason;

    /// <summary>The provider's count; without one, an estimate of the output.</summary>
    private JsonObject Usage(UsageDetails? details)
    {
        var (input, output) = (details?.InputTokenCount ?? 0, details?.OutputTokenCount ?? _tokens);
        var usage = new JsonObject
        {
            ["prompt_tokens"] = input,
            ["completion_tokens"] = output,
            ["total_tokens"] = input + output,
        };

        if (details?.CachedInputTokenCount is { } cached)
            usage["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached };

        return usage;
    }

    private static JsonObject Call(FunctionCallContent call, long index) =>
        new()
        {
            ["index"] = index,
            ["id"] = call.CallId,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = ToolCalls.Arguments(call) },
        };
}
