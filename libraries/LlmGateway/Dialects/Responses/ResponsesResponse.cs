using System.Text;
using System.Text.Json.Nodes;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.VendorApis;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects.Responses;

/// <summary>
/// Makes the events of a response, and the response itself as it is after them. Each item of the output is announced,
/// grows, and is done:
/// <code>
/// response.created, response.in_progress
/// response.output_item.added, response.content_part.added, response.output_text.delta …, response.output_text.done,
///   response.content_part.done, response.output_item.done
/// response.completed, or response.incomplete; after a failure: error
/// </code>
/// Only these types and those of reasoning and tool calls: OpenAI's JavaScript client dies of any other one.
/// </summary>
internal sealed class ResponsesResponse(RunHead run, RunPrompt? prompt) : IVendorResponse, IJoinedAnswer
{
    private readonly List<JsonObject> _done = [];
    private readonly StringBuilder _text = new();
    private TextItem? _open;
    private string _status = "in_progress";
    private string? _finish;
    private VendorError? _error;
    private UsageDetails? _usage;
    private long _next;

    public string Model => run.Model ?? "";

    public long Bytes { get; private set; }

    private string ItemId(string prefix) => $"{prefix}_{run.Name.Id}_{_done.Count}";

    public IReadOnlyList<JsonObject> Start() => [State("response.created"), State("response.in_progress")];

    public IReadOnlyList<JsonObject> Take(ChatResponseUpdate update)
    {
        var events = new List<JsonObject>();
        foreach (var content in update.Contents)
            switch (content)
            {
                case TextContent { Text.Length: > 0 } text:
                    Append(TextItem.Message, text.Text, events);
                    break;
                case TextReasoningContent { Text.Length: > 0 } reasoning:
                    Append(TextItem.Reasoning, reasoning.Text, events);
                    break;
                case FunctionCallContent call:
                    Call(call, events);
                    break;
                case UsageContent usage:
                    _usage = usage.Details;
                    break;
            }

        _finish = update.FinishReason?.Value ?? _finish;
        return events;
    }

    public IReadOnlyList<JsonObject> End()
    {
        _status = _finish switch
        {
            GenerationEvents.Cancelled => "cancelled",
            "length" or "content_filter" => "incomplete",
            _ => "completed",
        };

        var events = new List<JsonObject>();
        Close(events);
        _usage ??= new UsageDetails();
        // There is no type for a cancel.
        events.Add(State(_status == "completed" ? "response.completed" : "response.incomplete"));
        return events;
    }

    /// <summary>An <c>error</c>, which all clients report, and not <c>response.failed</c>, which some take for an
    /// end.</summary>
    public IReadOnlyList<JsonObject> Fail(VendorError error)
    {
        (_status, _error) = ("failed", error);
        Close([]);
        return
        [
            Event(
                "error",
                new JsonObject
                {
                    ["code"] = error.Code,
                    ["message"] = error.Message,
                    ["param"] = null,
                }
            ),
        ];
    }

    public IJoinedAnswer Join() => this;

    void IJoinedAnswer.Add(JsonObject frame) { } // the response is made of the updates themselves

    /// <summary>Returns the response as it is now.</summary>
    public JsonObject ToJson()
    {
        var response = new JsonObject
        {
            ["id"] = ResponsesApi.IdOf(run.Name),
            ["object"] = "response",
            ["created_at"] = run.CreatedAt.ToUnixTimeSeconds(),
            ["status"] = _status,
            ["background"] = false,
            ["error"] = _error is { } error
                ? new JsonObject { ["code"] = error.Code ?? "server_error", ["message"] = error.Message }
                : null,
            ["incomplete_details"] = _status == "incomplete" ? new JsonObject { ["reason"] = Reason } : null,
            ["instructions"] = null,
            ["metadata"] = new JsonObject(),
            ["model"] = Model,
            ["output"] = Output(),
            ["parallel_tool_calls"] = true,
            ["previous_response_id"] = prompt?.Previous is { } previous ? ResponsesApi.Prefix + previous : null,
            ["store"] = true,
            ["temperature"] = null,
            ["text"] = new JsonObject { ["format"] = new JsonObject { ["type"] = "text" } },
            ["tool_choice"] = "auto",
            ["tools"] = new JsonArray(),
            ["top_p"] = null,
            ["truncation"] = "disabled",
            ["usage"] = Usage(),
        };
        foreach (var (name, value) in (prompt?.Dialect == ResponsesFormat.Name ? prompt.Asked : null) ?? [])
            response[name] = value?.DeepClone();

        return response;
    }

    private string Reason => _finish == "length" ? "max_output_tokens" : "content_filter";

    private void Append(TextItem kind, string text, List<JsonObject> events)
    {
        if (_open != kind)
        {
            Close(events);
            _open = kind;
            events.Add(ItemEvent("added", kind.Item(ItemId(kind.Prefix), _status, parts: [])));
            events.Add(PartEvent(kind.Part + ".added", "part", kind.Content("")));
        }

        _text.Append(text);
        Bytes += sizeof(char) * text.Length;
        events.Add(PartEvent(kind.Text + ".delta", "delta", text));
    }

    private void Call(FunctionCallContent call, List<JsonObject> events)
    {
        Close(events);

        var arguments = ToolCalls.Arguments(call);
        Bytes += sizeof(char) * arguments.Length;
        var id = ItemId("fc");
        events.Add(ItemEvent("added", Item("in_progress", "")));
        events.Add(ArgumentsEvent("delta", "delta"));
        events.Add(ArgumentsEvent("done", "arguments"));

        var item = Item("completed", arguments);
        events.Add(ItemEvent("done", item));
        _done.Add(item);

        JsonObject Item(string status, string written) =>
            new()
            {
                ["id"] = id,
                ["type"] = "function_call",
                ["status"] = status,
                ["call_id"] = call.CallId,
                ["name"] = call.Name,
                ["arguments"] = written,
            };

        JsonObject ArgumentsEvent(string step, string member) =>
            Event(
                $"response.function_call_arguments.{step}",
                new JsonObject
                {
                    ["item_id"] = id,
                    ["output_index"] = _done.Count,
                    [member] = arguments,
                }
            );
    }

    /// <summary>Ends the item that grows, if there is one.</summary>
    private void Close(List<JsonObject> events)
    {
        if (_open is not { } kind)
            return;

        events.Add(PartEvent(kind.Text + ".done", "text", _text.ToString()));
        events.Add(PartEvent(kind.Part + ".done", "part", kind.Content(_text.ToString())));
        var item = OpenItem(_status is "in_progress" or "completed" ? "completed" : "incomplete");
        events.Add(ItemEvent("done", item));

        _done.Add(item);
        _text.Clear();
        _open = null;
    }

    private JsonObject OpenItem(string status) =>
        _open!.Item(ItemId(_open.Prefix), status, [_open.Content(_text.ToString())]);

    /// <summary>All items: a client takes those of the last event for the whole output.</summary>
    private JsonArray Output()
    {
        var output = new JsonArray([.. _done.Select(item => item.DeepClone())]);
        if (_open is not null)
            output.Add((JsonNode)OpenItem(_status));
        return output;
    }

    private JsonObject? Usage() =>
        _usage is { } usage
            ? new JsonObject
            {
                ["input_tokens"] = usage.InputTokenCount ?? 0,
                ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CachedInputTokenCount ?? 0 },
                ["output_tokens"] = usage.OutputTokenCount ?? 0,
                ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.ReasoningTokenCount ?? 0 },
                ["total_tokens"] = usage.TotalTokenCount ?? usage.InputTokenCount + usage.OutputTokenCount ?? 0,
            }
            : null;

    private JsonObject State(string type) => Event(type, new JsonObject { ["response"] = ToJson() });

    private JsonObject ItemEvent(string step, JsonObject item) =>
        Event(
            $"response.output_item.{step}",
            new JsonObject { ["output_index"] = _done.Count, ["item"] = item.DeepClone() }
        );

    private JsonObject PartEvent(string type, string member, JsonNode value) =>
        Event(
            type,
            new JsonObject
            {
                ["item_id"] = ItemId(_open!.Prefix),
                ["output_index"] = _done.Count,
                [_open.Index] = 0,
                [member] = value,
            }
        );

    private JsonObject Event(string type, JsonObject members)
    {
        members.Insert(0, "type", type);
        members.Insert(1, "sequence_number", _next++);
        return members;
    }

    /// <summary>An item that is one text, and the names of its events.</summary>
    private sealed record TextItem(string Prefix, string Text, string Part, string Index)
    {
        public static readonly TextItem Message = new(
            "msg",
            "response.output_text",
            "response.content_part",
            "content_index"
        );

        /// <summary>As a summary: the other form of reasoning is shown by some clients only.</summary>
        public static readonly TextItem Reasoning = new(
            "rs",
            "response.reasoning_summary_text",
            "response.reasoning_summary_part",
            "summary_index"
        );

        public JsonObject Content(string text) =>
            this == Message
                ? new()
                {
                    ["type"] = "output_text",
                    ["text"] = text,
                    ["annotations"] = new JsonArray(),
                }
                : new() { ["type"] = "summary_text", ["text"] = text };

        public JsonObject Item(string id, string status, JsonObject[] parts) =>
            this == Message
                ? new()
                {
                    ["id"] = id,
                    ["type"] = "message",
                    ["status"] = status,
                    ["role"] = "assistant",
                    ["content"] = new JsonArray([.. parts]),
                }
                : new()
                {
                    ["id"] = id,
                    ["type"] = "reasoning",
                    ["status"] = status,
                    ["summary"] = new JsonArray([.. parts]),
                };
    }
}
