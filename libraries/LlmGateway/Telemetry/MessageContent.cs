using System.Diagnostics;

namespace LlmGateway.Telemetry;

/// <summary>
/// The question and the answer as attributes of a span: <c>gen_ai.input.messages</c>, <c>gen_ai.output.messages</c> and
/// <c>gen_ai.system_instructions</c> of OpenTelemetry's conventions
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), each of them JSON. Aspire's dashboard shows them
/// as a conversation.
/// </summary>
internal static class MessageContent
{
    /// <summary>OpenTelemetry's switch; Aspire's AppHost sets it.</summary>
    public const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    /// <summary>Returns true in Development, if the switch is on. Elsewhere the switch has no effect, because readers
    /// of telemetry may not be entitled to read prompts.</summary>
    public static bool IsWanted(IHostEnvironment environment, IConfiguration configuration) =>
        environment.IsDevelopment() && bool.TryParse(configuration[Variable], out var isOn) && isOn;

    public static void AddInput(Activity span, IEnumerable<ChatMessage> messages, string? instructions)
    {
        span.SetTag("gen_ai.input.messages", Messages(messages, finish: null));
        if (instructions is not null)
            span.SetTag("gen_ai.system_instructions", new JsonArray(Text(instructions)).ToJsonString());
    }

    public static void AddOutput(Activity span, IEnumerable<ChatResponseUpdate> answer, string? finish) =>
        span.SetTag("gen_ai.output.messages", Messages(answer.ToChatResponse().Messages, finish));

    private static string Messages(IEnumerable<ChatMessage> messages, string? finish)
    {
        var all = new JsonArray();
        foreach (var message in messages)
        {
            var parts = new JsonArray([.. message.Contents.Select(PartOf).OfType<JsonNode>()]);
            var json = new JsonObject { ["role"] = message.Role.Value, ["parts"] = parts };
            if (finish is not null)
                json["finish_reason"] = finish;
            all.Add((JsonNode)json);
        }

        return all.ToJsonString();
    }

    private static JsonObject? PartOf(AIContent content) =>
        content switch
        {
            TextContent text => Text(text.Text),
            FunctionCallContent call =>
            [
                new("type", "tool_call"),
                new("id", call.CallId),
                new("name", call.Name),
                new("arguments", NodeOf(call.Arguments)),
            ],
            FunctionResultContent result =>
            [
                new("type", "tool_call_response"),
                new("id", result.CallId),
                new("response", NodeOf(result.Result)),
            ],
            _ => null,
        };

    private static JsonNode? NodeOf<T>(T value) => value is null ? null : JsonNode.Parse(RunJson.Write(value));

    private static JsonObject Text(string text) => [new("type", "text"), new("content", text)];
}
