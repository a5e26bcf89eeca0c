using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace LlmGateway.Telemetry;

/// <summary>
/// The question and the answer as attributes of a span: <c>gen_ai.input.messages</c>, <c>gen_ai.output.messages</c>
/// and <c>gen_ai.system_instructions</c> of OpenTelemetry's conventions
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), JSON each. Aspire's dashboard shows them as a
/// conversation.
/// </summary>
internal static class MessageContent
{
    /// <summary>OpenTelemetry's switch; Aspire's AppHost sets it.</summary>
    public const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    private static readonly JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>True in Development, if the switch is on. Elsewhere it has no effect: those who read telemetry are not
    /// those who may read prompts.</summary>
    public static bool IsWanted(IHostEnvironment environment, IConfiguration configuration) =>
        environment.IsDevelopment() && bool.TryParse(configuration[Variable], out var isOn) && isOn;

    public static void AddInput(Activity span, IEnumerable<ChatMessage> messages, string? instructions)
    {
        span.SetTag("gen_ai.input.messages", Serialize(messages, finish: null));
        if (instructions is not null)
            span.SetTag("gen_ai.system_instructions", JsonSerializer.Serialize(new[] { Text(instructions) }, Json));
    }

    public static void AddOutput(Activity span, IEnumerable<ChatResponseUpdate> answer, string? finish)
    {
        var messages = answer.ToChatResponse().Messages;
        span.SetTag("gen_ai.output.messages", Serialize(messages, finish));
    }

    private static string Serialize(IEnumerable<ChatMessage> messages, string? finish) =>
        JsonSerializer.Serialize(
            messages.Select(message => new
            {
                role = message.Role.Value,
                parts = message.Contents.Select(Part).OfType<object>(),
                finish_reason = finish,
            }),
            Json
        );

    private static object? Part(AIContent content) =>
        content switch
        {
            TextContent text => Text(text.Text),
            FunctionCallContent call => new
            {
                type = "tool_call",
                id = call.CallId,
                name = call.Name,
                arguments = call.Arguments,
            },
            FunctionResultContent result => new
            {
                type = "tool_call_response",
                id = result.CallId,
                response = result.Result,
            },
            _ => null,
        };

    private static object Text(string text) => new { type = "text", content = text };
}
