using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>
/// Makes chunks in OpenAI's format. Chunks of a provider with the same API are passed on as they are, with this
/// answer's id and times:
/// <code>
/// {"id":"chatcmpl-…","object":"chat.completion.chunk","created":1,"model":"…",
///  "choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}
/// </code>
/// </summary>
/// <param name="call">The request.</param>
/// <param name="includeUsage">True if the last chunk has the usage.</param>
/// <param name="clock">Stamps the answer.</param>
internal sealed class ChatCompletionsWriter(ChatCall call, bool includeUsage, TimeProvider clock) : IAnswerWriter
{
    private const string Kind = "chat.completion.chunk";

    private readonly string _id = $"chatcmpl-{Guid.NewGuid():N}";
    private readonly long _created = clock.GetUtcNow().ToUnixTimeSeconds();
    private readonly AnswerUsage _usage = new(call);
    private string _finish = "stop";
    private JsonObject? _nativeUsage;
    private long _calls;
    private bool _isFinished;

    public string Model { get; private set; } = call.Target.Model;

    public IReadOnlyList<JsonObject> Start() => [Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" })];

    public IReadOnlyList<JsonObject> Next(ChatResponseUpdate update)
    {
        Model = update.ModelId ?? Model;
        _finish = update.FinishReason?.Value ?? _finish;
        _usage.Add(update);
        return call.IsNative ? Forward(update.RawRepresentation as JsonObject) : Translate(update.Contents);
    }

    public IReadOnlyList<JsonObject> End()
    {
        var chunks = new List<JsonObject>();
        if (!_isFinished)
            chunks.Add(Chunk([], _finish));

        if (includeUsage)
        {
            var last = Head([]);
            last["usage"] = Usage();
            chunks.Add(last);
        }

        return chunks;
    }

    public IReadOnlyList<JsonObject> Fail(VendorError error) => [ChatCompletionsFormat.Instance.Body(error)];

    public IJoinedAnswer Join() => new JoinedCompletion();

    /// <summary>Passes on a chunk of the provider, without its usage, which is kept for the end.</summary>
    private JsonObject[] Forward(JsonObject? chunk)
    {
        if (chunk?["usage"] is JsonObject usage)
            _nativeUsage = usage.DeepClone().AsObject();
        if (chunk?["choices"] is not (JsonArray and [JsonObject choice, ..]))
            return [];

        chunk["id"] = _id;
        chunk["object"] = Kind;
        chunk["created"] = _created;
        chunk["model"] = Model;
        chunk.Remove("usage");
        chunk.Remove("error"); // blank here, since a failure would have thrown

        if (includeUsage)
            chunk["usage"] = null;

        _isFinished |= choice["finish_reason"] is not null;
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
                case TextReasoningContent { Text.Length: > 0 } reasoning:
                    chunks.Add(Chunk(new JsonObject { ["reasoning_content"] = reasoning.Text }));
                    break;
                case FunctionCallContent tool:
                    chunks.Add(Chunk(new JsonObject { ["tool_calls"] = new JsonArray(Call(tool, _calls++)) }));
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

    /// <summary>Returns the provider's usage, with an estimate of each count that the provider did not send.</summary>
    private JsonObject Usage()
    {
        var usage = _nativeUsage ?? [];
        if (WireJson.Number(usage, "prompt_tokens") is not > 0)
            usage["prompt_tokens"] = _usage.Input;
        if (WireJson.Number(usage, "completion_tokens") is not > 0)
            usage["completion_tokens"] = _usage.Output;
        if (WireJson.Number(usage, "total_tokens") is not > 0)
            usage["total_tokens"] = _usage.Input + _usage.Output;
        if (_usage.Cached is { } cached && usage["prompt_tokens_details"] is null)
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
