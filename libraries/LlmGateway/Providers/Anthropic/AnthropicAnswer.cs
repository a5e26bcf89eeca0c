using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Reads the events of one answer: <c>message_start</c>, blocks (<c>content_block_start</c>, <c>…_delta</c>,
/// <c>…_stop</c>), <c>message_delta</c> with the stop reason, <c>message_stop</c>; <c>ping</c> at any time.
/// </summary>
/// <param name="upstream">Reads the provider's errors.</param>
/// <param name="isNative">True if the client has the same API: the updates have every event between the first and the
/// last.</param>
internal sealed class AnthropicAnswer(Upstream upstream, bool isNative)
{
    private readonly List<FunctionCallContent> _calls = [];
    private readonly JsonObject _usage = [];
    private (string Id, string Name, StringBuilder Json)? _call;
    private string? _id,
        _model,
        _stop;

    public bool IsOver { get; private set; }

    public ChatResponseUpdate? Take(JsonElement element)
    {
        var type = Text(element, "type");
        var update = Read(type, element);

        if (!isNative || type is null or "message_start" or "message_stop" or "ping")
            return update;

        var frame = JsonObject.Create(element.Clone())!;
        update ??= Update(null);
        update.RawRepresentation = type == "message_delta" ? Completed(frame) : frame;

        return update;
    }

    public ChatResponseUpdate End()
    {
        if (_stop is null && !IsOver)
            throw new UpstreamException(
                502,
                "upstream",
                "The answer is incomplete: the provider ended it without a stop reason."
            );

        var last = new ChatResponseUpdate
        {
            Role = ChatRole.Assistant,
            ResponseId = _id,
            ModelId = _model,
            FinishReason = _stop switch
            {
                "max_tokens" or "model_context_window_exceeded" => ChatFinishReason.Length,
                "tool_use" => ChatFinishReason.ToolCalls,
                "refusal" => ChatFinishReason.ContentFilter,
                _ => ChatFinishReason.Stop,
            },
            RawRepresentation = isNative && _stop is null ? Completed(EndWithoutReason()) : null,
        };

        foreach (var call in _calls)
            last.Contents.Add(call);

        last.Contents.Add(new UsageContent(Usage()));
        return last;
    }

    private ChatResponseUpdate? Read(string? type, JsonElement element)
    {
        switch (type)
        {
            case "message_start" when Object(element, "message") is { } message:
                _id = Text(message, "id");
                _model = Text(message, "model");
                TakeUsage(message);
                break;

            case "content_block_start" when Object(element, "content_block") is { } block:
                if (Text(block, "type") == "tool_use")
                    _call = (Text(block, "id") ?? "", Text(block, "name") ?? "", new StringBuilder());
                else if (Text(block, "text") is { Length: > 0 } opening)
                    return Update(opening);
                break;
            case "content_block_delta" when Object(element, "delta") is { } delta:
                if (Text(delta, "text") is { Length: > 0 } text)
                    return Update(text);
                if (_call is { } call)
                    call.Json.Append(Text(delta, "partial_json"));
                break;
            case "content_block_stop" when _call is { } whole:
                _calls.Add(ToolCalls.Parse(whole.Id, whole.Name, whole.Json.ToString()));
                _call = null;
                break;

            case "message_delta":
                if (Object(element, "delta") is { } end)
                    _stop = Text(end, "stop_reason") ?? _stop;
                TakeUsage(element);
                break;
            case "message_stop":
                IsOver = true;
                break;
            case "error":
                throw upstream.ErrorIn(element) ?? new UpstreamException(502, "upstream", "The provider failed.");
        }
        return null;
    }

    private ChatResponseUpdate Update(string? text) =>
        new(ChatRole.Assistant, text) { ResponseId = _id, ModelId = _model };

    /// <summary>The members of <c>message_start</c>, replaced by those of <c>message_delta</c>.</summary>
    private void TakeUsage(JsonElement json)
    {
        if (Object(json, "usage") is not { } usage)
            return;
        foreach (var (name, value) in JsonObject.Create(usage.Clone())!)
            if (value is not null)
                _usage[name] = value.DeepClone();
    }

    /// <summary>
    /// The token counts in the abstraction's terms. Anthropic's <c>input_tokens</c> are those that are neither read
    /// from its cache nor written to it.
    /// </summary>
    private UsageDetails Usage()
    {
        var (read, written) = (Count("cache_read_input_tokens"), Count("cache_creation_input_tokens"));
        return new UsageDetails
        {
            InputTokenCount = Count("input_tokens") is { } input ? input + (read ?? 0) + (written ?? 0) : null,
            CachedInputTokenCount = read,
            OutputTokenCount = Count("output_tokens"),
        };
    }

    private long? Count(string name) =>
        _usage[name] is JsonValue value && value.TryGetValue<long>(out var count) ? count : null;

    private JsonObject EndWithoutReason() =>
        new()
        {
            ["type"] = "message_delta",
            ["delta"] = new JsonObject { ["stop_reason"] = _calls.Count > 0 ? "tool_use" : "end_turn" },
        };

    /// <summary>Completes <c>message_delta</c> by the usage in <c>message_start</c>, which the client does not
    /// get.</summary>
    private JsonObject Completed(JsonObject end)
    {
        if (end["delta"] is JsonObject delta)
            delta.TryAdd("stop_sequence", null);
        end["usage"] = _usage.DeepClone();
        return end;
    }
}
